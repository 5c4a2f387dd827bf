alter table orphaned_blobs add column asked_at timestamptz;
comment on column orphaned_blobs.asked_at is
    'When its deletion was asked for, if earlier: what was stored since is no orphan.';
comment on column orphaned_blobs.upload_etag is
    'Of an upload: the bytes that belonged to the video.';

create or replace function mark_orphaned_blobs() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as
$$
begin
    insert into orphaned_blobs (storage_key, creator_id, upload_etag)
    select blobs.storage_key, old.creator_id, blobs.upload_etag
    from (
        select old.storage_key, old.upload_etag
        union
        select old.audio_key, null
        where old.audio_key is not null and not exists (
            select from videos
            where videos.audio_key = old.audio_key and videos.id <> old.id)
        union
        select caption_tracks.storage_key, null
        from caption_tracks where caption_tracks.video_id = old.id
    ) as blobs (storage_key, upload_etag)
    on conflict (storage_key) do update
    set upload_etag = excluded.upload_etag, orphaned_at = now(), asked_at = null;
    return old;
end
$$;
