drop index idx_caption_tracks_storage_key;
comment on column orphaned_blobs.orphaned_at is 'When its video was deleted.';
comment on column orphaned_blobs.upload_etag is
    'Of an upload: the bytes that belonged to the video; they are no new upload.';
