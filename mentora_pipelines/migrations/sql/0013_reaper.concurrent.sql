-- Every twenty seconds the reaper walks through what is on its way, a page of each status,
-- and asks which of it has an event: few rows of large tables.
drop index concurrently if exists idx_videos_on_their_way;
create index concurrently idx_videos_on_their_way on videos (processing_status, id)
    where processing_status in ('pending', 'processing');
drop index concurrently if exists idx_events_uploads;
create index concurrently idx_events_uploads on events ((payload ->> 'videoId'))
    where name = 'video/upload.completed';
