-- Consumers read one name at a time, and count what has started lately.
drop index concurrently if exists idx_events_due;
create index concurrently idx_events_due on events (name, next_attempt_at, id)
    where status = 'pending';
drop index concurrently if exists idx_events_pending;
drop index concurrently if exists idx_videos_audio_key;
create index concurrently idx_videos_audio_key on videos (audio_key);
drop index concurrently if exists idx_events_done;
create index concurrently idx_events_done on events (name, handled_at)
    where status = 'done';
