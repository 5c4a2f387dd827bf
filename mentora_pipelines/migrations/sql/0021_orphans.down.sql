drop index idx_caption_tracks_storage_key;
comment on column orphaned_blobs.upload_etag is
    'Of an upload: the bytes that belonged to the video; they are no new upload.';

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
    set upload_etag = excluded.upload_etag, orphaned_at = now();
    return old;
end
$$;
alter table orphaned_blobs drop column asked_at;
