-- Of each page of listed objects the collector asks which ones a row names.
drop index concurrently if exists idx_caption_tracks_storage_key;
create index concurrently idx_caption_tracks_storage_key on caption_tracks (storage_key);
