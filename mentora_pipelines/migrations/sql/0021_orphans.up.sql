comment on column orphaned_blobs.orphaned_at is
    'When its deletion was asked for: what was stored there since is no orphan.';
comment on column orphaned_blobs.upload_etag is
    'Of an upload: the bytes that belonged to the video.';
