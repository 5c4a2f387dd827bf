-- What became of events, how often a video was taken up again, whose quiz is whose, and
-- what lies in storage that no row names any more.

alter table events
    add column outcome text,
    add column replays integer not null default 0 check (replays >= 0);
update events set outcome = 'handled' where status = 'done';
alter table events
    add check (outcome in ('handled', 'launched', 'nothing to do')),
    add check ((status = 'done') = (outcome is not null));
comment on column events.outcome is
    'What became of one that is done: handled, launched (a run), or nothing to do.';
comment on column events.replays is
    'How often somebody made it pending again; each replay may start a run of its own.';

alter table videos
    add column auto_generate_quiz boolean not null default false,
    add column requeues integer not null default 0 check (requeues >= 0);
comment on column videos.auto_generate_quiz is
    'Whether a quiz is asked for as soon as a version is published.';
comment on column videos.requeues is
    'How often the newest upload was queued again after its run was lost.';

create table quiz_requests (
    id             uuid primary key,
    creator_id     uuid not null,
    quiz_id        uuid not null,
    created_at     timestamptz not null default now(),
    foreign key (creator_id, quiz_id) references quizzes (creator_id, id) on delete cascade
);
create index idx_quiz_requests_quiz on quiz_requests (creator_id, quiz_id);
create index idx_quiz_requests_creator on quiz_requests (creator_id, created_at desc, id desc);
comment on table quiz_requests is
    'Under which name a quiz was asked for; several requests may have one answer.';
comment on column quiz_requests.id is 'The quizId of quiz/generation.requested.';
comment on column quiz_requests.creator_id is 'The creator of the quiz.';
comment on column quiz_requests.quiz_id is 'The quiz that answers it.';
comment on column quiz_requests.created_at is 'When it was answered.';
alter table quiz_requests enable row level security, force row level security;
create policy creator on quiz_requests to mentora_app
    using (creator_id = current_creator_id()) with check (creator_id = current_creator_id());
create policy platform on quiz_requests to mentora_admin using (true) with check (true);
grant select, insert, update, delete on quiz_requests to mentora_app, mentora_admin;

create table orphaned_blobs (
    storage_key text primary key check (storage_key <> ''),
    creator_id  uuid not null,
    upload_etag text,
    orphaned_at timestamptz not null default now()
);
create index idx_orphaned_blobs_orphaned_at on orphaned_blobs (orphaned_at, storage_key);
create index idx_orphaned_blobs_creator on orphaned_blobs (creator_id, orphaned_at desc);
comment on table orphaned_blobs is
    'Objects in storage whose video is gone, to be collected after a while.';
comment on column orphaned_blobs.storage_key is 'Where the object lies.';
comment on column orphaned_blobs.creator_id is
    'Whose it was; no foreign key, since the creator may be gone too.';
comment on column orphaned_blobs.upload_etag is
    'Of an upload: the bytes that belonged to the video; they are no new upload.';
comment on column orphaned_blobs.orphaned_at is 'When its video was deleted.';
alter table orphaned_blobs enable row level security, force row level security;
create policy creator on orphaned_blobs to mentora_app
    using (creator_id = current_creator_id()) with check (creator_id = current_creator_id());
create policy platform on orphaned_blobs to mentora_admin using (true) with check (true);
grant select on orphaned_blobs to mentora_app;
grant select, insert, update, delete on orphaned_blobs to mentora_admin;

-- As its owner: whoever deletes the video sees one creator's rows, but sound is named by
-- its content, and a video of another creator may have the same.
create function mark_orphaned_blobs() returns trigger
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
comment on function mark_orphaned_blobs() is
    'Before a video goes, notes the objects that only it names.';
create trigger mark_orphaned_blobs before delete on videos
    for each row execute function mark_orphaned_blobs();
