-- What the first revision left without a comment.

comment on table caption_tracks is 'The captions of a transcript version, one language each.';
comment on table quizzes is 'A quiz about one transcript version; students see published ones.';
comment on table quiz_questions is 'The questions of a quiz, each with its place in the lesson.';

comment on column creators.id is 'Made in Python or by the web application.';
comment on column creators.email is 'Mail address, unique whatever its case.';
comment on column creators.settings is 'What the creator chose, as the web application keeps it.';
comment on column creators.created_at is 'When the creator joined.';
comment on column creators.updated_at is 'When the row last changed; kept by a trigger.';
comment on column creators.version is 'Counts the changes, for optimistic locking.';

comment on column videos.id is 'Made by the web application, else it follows from storage_key.';
comment on column videos.creator_id is 'The creator who uploaded it.';
comment on column videos.title is 'Title that students see.';
comment on column videos.video_url is 'Where students play it from, if it is published.';
comment on column videos.storage_key is 'Key of the upload in object storage.';
comment on column videos.audio_key is 'Key of the extracted audio in object storage.';
comment on column videos.duration_s is 'Length in seconds, once it was decoded.';
comment on column videos.processing_status is
    'pending, processing, completed or failed: how the newest upload fares.';
comment on column videos.error_code is 'Why it failed, from a closed list; NULL unless failed.';
comment on column videos.full_transcript is 'Text of the published transcript.';
comment on column videos.transcript_data is
    'The published transcript: {language, duration, segments}, times in seconds.';
comment on column videos.processed_at is 'When a lesson was last published from it.';
comment on column videos.created_at is 'When the upload was first seen.';
comment on column videos.updated_at is 'When the row last changed; kept by a trigger.';
comment on column videos.version is 'Counts the changes, for optimistic locking.';

comment on column transcripts.id is
    'Follows from the video, its bytes and the transcriber; of an edited one, from its text.';
comment on column transcripts.video_id is 'The video that was heard.';
comment on column transcripts.creator_id is 'The creator of the video.';
comment on column transcripts.source_hash is 'SHA-256 of the bytes that were heard.';
comment on column transcripts.fingerprint is 'Which transcriber heard it, and how it was set.';
comment on column transcripts.origin is 'recognised (by a transcriber) or edited (by a person).';
comment on column transcripts.language is 'Language spoken, as en.';
comment on column transcripts.duration_s is 'Length of the audio in seconds.';
comment on column transcripts.word_count is 'How many words were recognised.';
comment on column transcripts.full_text is 'All that was said, in one text.';
comment on column transcripts.created_at is 'When this version was written.';

comment on column caption_tracks.transcript_id is 'The version that is shown.';
comment on column caption_tracks.video_id is 'The video of the transcript.';
comment on column caption_tracks.creator_id is 'The creator of the video.';
comment on column caption_tracks.language is 'Language of the captions, as en.';
comment on column caption_tracks.storage_key is 'Key of the WebVTT file in object storage.';
comment on column caption_tracks.created_at is 'When they were written.';

comment on column transcript_chunks.id is 'Follows from the transcript version and chunk_index.';
comment on column transcript_chunks.transcript_id is 'The version that it is a part of.';
comment on column transcript_chunks.video_id is 'The video of the transcript.';
comment on column transcript_chunks.creator_id is 'The creator of the video.';
comment on column transcript_chunks.chunk_index is 'Place in the transcript, from 0, without gaps.';
comment on column transcript_chunks.chunk_text is 'The words.';
comment on column transcript_chunks.text_hash is 'SHA-256 of the words; finds their vector.';
comment on column transcript_chunks.token_count is 'Length in tokens of the embedding model.';
comment on column transcript_chunks.start_timestamp is 'Where it starts, in seconds.';
comment on column transcript_chunks.end_timestamp is 'Where it ends, in seconds.';
comment on column transcript_chunks.topic_tags is 'Key terms of the words.';
comment on column transcript_chunks.tsv is 'The words as full-text search wants them.';

comment on column embedding_generations.id is 'Follows from provider, model and dimensions.';
comment on column embedding_generations.provider is 'Who computes the vectors, as local or openai.';
comment on column embedding_generations.model is 'The model''s name.';
comment on column embedding_generations.dimensions is 'Numbers in each of its vectors.';
comment on column embedding_generations.status is
    'building (no reader sees it), active (it is searched) or retired (kept for a way back).';
comment on column embedding_generations.recall is
    'Share of the true nearest chunks that its index finds, 0 to 1; NULL: not measured.';
comment on column embedding_generations.created_at is 'When it was begun.';

comment on column chunk_embeddings.generation_id is 'The model that computed it; the partition.';
comment on column chunk_embeddings.video_id is 'The video in which the text is said.';
comment on column chunk_embeddings.text_hash is 'SHA-256 of the text.';
comment on column chunk_embeddings.creator_id is 'The creator of the video.';
comment on column chunk_embeddings.embedding is 'The vector.';

comment on column quizzes.id is 'Follows from the transcript version, the writer and the count.';
comment on column quizzes.video_id is 'The lesson.';
comment on column quizzes.creator_id is 'The creator of the lesson.';
comment on column quizzes.transcript_id is 'The version that it asks about.';
comment on column quizzes.writer_fingerprint is 'Which writer wrote it, and how it was set.';
comment on column quizzes.status is
    'draft, approved, published, or stale: a later version lacks what a question rests on.';
comment on column quizzes.created_at is 'When it was written.';
comment on column quizzes.updated_at is 'When the row last changed; kept by a trigger.';
comment on column quizzes.version is 'Counts the changes, for optimistic locking.';

comment on column quiz_questions.id is 'Follows from the quiz and the position.';
comment on column quiz_questions.quiz_id is 'The quiz.';
comment on column quiz_questions.creator_id is 'The creator of the quiz.';
comment on column quiz_questions.position is 'Place in the quiz, from 0.';
comment on column quiz_questions.kind is 'What sort of question it is, as cloze.';
comment on column quiz_questions.prompt is 'The question.';
comment on column quiz_questions.options is 'What can be chosen.';
comment on column quiz_questions.answer is 'The right one of the options.';
comment on column quiz_questions.chunk_id is 'The chunk that holds the quote, while it exists.';
comment on column quiz_questions.start_s is 'Where the quote starts, in seconds.';
comment on column quiz_questions.end_s is 'Where the quote ends, in seconds.';

comment on column events.id is 'Follows from name and deduplication_key, or made by a trigger.';
comment on column events.name is 'What happened, as video/upload.completed or change/videos.';
comment on column events.schema_version is 'Version of the payload''s form.';
comment on column events.deduplication_key is 'Names the cause: it writes one event of a name.';
comment on column events.creator_id is
    'Whom it concerns, even after the creator is gone; NULL: the platform.';
comment on column events.payload is 'What a consumer needs to know, in camelCase.';
comment on column events.created_at is 'When it was written.';

comment on column video_chunks.id is 'The chunk.';
comment on column video_chunks.video_id is 'The video.';
comment on column video_chunks.creator_id is 'The creator of the video.';
comment on column video_chunks.chunk_text is 'The words.';
comment on column video_chunks.chunk_index is 'Place in the transcript, from 0, without gaps.';
comment on column video_chunks.start_timestamp is 'Where it starts, in seconds.';
comment on column video_chunks.end_timestamp is 'Where it ends, in seconds.';
comment on column video_chunks.embedding is 'The vector of the words.';
comment on column video_chunks.topic_tags is 'Key terms of the words.';
