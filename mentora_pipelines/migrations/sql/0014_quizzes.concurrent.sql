-- A question names its chunk together with the creator, so that it cannot hang on
-- another one's; both indexes serve that key.
drop index concurrently if exists transcript_chunks_creator_id_id_key;
create unique index concurrently transcript_chunks_creator_id_id_key
    on transcript_chunks (creator_id, id);
drop index concurrently if exists idx_quiz_questions_creator_chunk;
create index concurrently idx_quiz_questions_creator_chunk
    on quiz_questions (creator_id, chunk_id);
