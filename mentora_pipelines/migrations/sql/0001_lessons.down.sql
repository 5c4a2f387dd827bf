drop view video_chunks;
alter table videos
    drop constraint videos_creator_id_id_staged_transcript_id_fkey,
    drop constraint videos_creator_id_id_published_transcript_id_fkey;
drop table events, quiz_questions, quizzes, chunk_embeddings, embedding_generations,
    transcript_chunks, caption_tracks, transcripts, videos, creators;
drop function touch_row();
drop function current_creator_id();
revoke usage on schema public from mentora_app, mentora_admin;
