comment on index idx_videos_on_their_way is 'For the reaper, which walks through them.';
comment on index idx_events_uploads is 'For the reaper: the events of a video''s uploads.';
