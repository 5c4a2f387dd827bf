-- Recognition is checkpointed window by window, so that a crash costs one of them.
--
-- In the database and not in object storage: windows go with the transcript that they
-- become, in its transaction, with the video when it is deleted, and are closed to other
-- creators by the same policies. One is two minutes of words, some 20 kB.

create table recognised_windows (
    transcript_id        uuid not null,
    video_id             uuid not null,
    creator_id           uuid not null,
    start_s              double precision not null check (start_s >= 0),
    end_s                double precision not null,
    is_last              boolean not null,
    language             text,
    language_probability double precision not null check (language_probability between 0 and 1),
    words                jsonb not null,
    doubts               jsonb not null,
    speech_s             double precision not null check (speech_s >= 0),
    redone               integer not null check (redone >= 0),
    created_at           timestamptz not null default now(),
    primary key (transcript_id, start_s),
    check (start_s <= end_s),
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_recognised_windows_video on recognised_windows (creator_id, video_id);
comment on table recognised_windows is
    'Parts of a lesson that were recognised, kept until its transcript stands; those of a silent one stay.';
comment on column recognised_windows.transcript_id is
    'The version that is being made: it names the bytes, the transcriber and its hints.';
comment on column recognised_windows.video_id is 'The video that is heard.';
comment on column recognised_windows.creator_id is 'The creator of the video.';
comment on column recognised_windows.start_s is 'Where it starts, in seconds: where the one before ends.';
comment on column recognised_windows.end_s is 'Where it ends, in seconds.';
comment on column recognised_windows.is_last is 'Whether the lesson ends with it.';
comment on column recognised_windows.language is 'Language spoken, as en; NULL when nobody speaks.';
comment on column recognised_windows.language_probability is
    'How sure the transcriber is of the language, 0 to 1.';
comment on column recognised_windows.words is '[[word, start, end, probability]], times in seconds.';
comment on column recognised_windows.doubts is
    '[[kind, start, end, value]]: what may be wrong, times in seconds.';
comment on column recognised_windows.speech_s is 'How long somebody speaks, in seconds.';
comment on column recognised_windows.redone is 'Stretches that were heard twice.';
comment on column recognised_windows.created_at is 'When it was recognised.';

alter table recognised_windows enable row level security, force row level security;
create policy creator on recognised_windows to mentora_app
    using (creator_id = current_creator_id()) with check (creator_id = current_creator_id());
create policy platform on recognised_windows to mentora_admin using (true) with check (true);
grant select, insert, update, delete on recognised_windows to mentora_app, mentora_admin;

comment on column transcripts.segments is
    '[{text, start, end, words: [[word, start, end, probability]], doubts?: [[kind, start, end, value]]}], times in seconds.';
