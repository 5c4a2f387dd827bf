drop trigger mark_orphaned_blobs on videos;
drop function mark_orphaned_blobs();
drop table orphaned_blobs;
drop table quiz_requests;
alter table videos drop column requeues, drop column auto_generate_quiz;
alter table events drop column replays, drop column outcome;
drop index idx_events_done, idx_events_due, idx_videos_audio_key;
create index idx_events_pending on events (next_attempt_at, id) where status = 'pending';
