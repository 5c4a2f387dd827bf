-- Full text across creators: the words of every chunk, found by index.
drop index concurrently if exists idx_transcript_chunks_words;
create index concurrently idx_transcript_chunks_words on transcript_chunks using gin (tsv);
-- A question is read in each language that is spoken; few of them among many rows.
drop index concurrently if exists idx_transcripts_language;
create index concurrently idx_transcripts_language on transcripts (language);
