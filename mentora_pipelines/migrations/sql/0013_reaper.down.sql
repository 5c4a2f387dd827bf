drop index idx_videos_on_their_way, idx_events_uploads;
