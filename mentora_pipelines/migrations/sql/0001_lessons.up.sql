create extension if not exists vector;

-- Roles are shared by all databases of a server, so they may stand already.
-- mentora_app sees one creator at a time; mentora_admin sees all of them.
do $$
begin
    if not exists (select from pg_roles where rolname = 'mentora_app') then
        create role mentora_app nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'mentora_admin') then
        create role mentora_admin nologin;
    end if;
    if not pg_has_role(current_user, 'mentora_admin', 'usage') then
        execute format('grant mentora_admin to %I', current_user);
    end if;
end
$$;

grant usage on schema public to mentora_app, mentora_admin;

create function current_creator_id() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.creator_id', true), '')::uuid;
comment on function current_creator_id() is
    'The creator of this transaction (SET LOCAL app.creator_id), or NULL: then no tenant row is visible.';

create function touch_row() returns trigger
    language plpgsql as
$$
begin
    new.updated_at := now();
    new.version := old.version + 1;
    return new;
end
$$;
comment on function touch_row() is 'Keeps updated_at and version of the row it is fired for.';

create table creators (
    id          uuid primary key,
    email       text not null,
    settings    jsonb not null default '{}',
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    version     integer not null default 1
);
create unique index idx_creators_email on creators (lower(email));
comment on table creators is 'People who upload lessons.';

create table videos (
    id                      uuid primary key,
    creator_id              uuid not null references creators on delete cascade,
    title                   text not null check (title <> ''),
    video_url               text,
    storage_key             text not null unique,
    upload_etag             text not null,
    upload_number           integer not null default 1 check (upload_number > 0),
    source_etag             text,
    source_hash             text check (source_hash ~ '^[0-9a-f]{64}$'),
    audio_key               text,
    duration_s              double precision check (duration_s >= 0),
    processing_status       text not null default 'pending'
        check (processing_status in ('pending', 'processing', 'completed', 'failed')),
    error_code              text,
    error_message           text,
    staged_transcript_id    uuid,
    published_transcript_id uuid,
    full_transcript         text,
    transcript_data         jsonb,
    processed_at            timestamptz,
    created_at              timestamptz not null default now(),
    updated_at              timestamptz not null default now(),
    version                 integer not null default 1,
    check ((processing_status = 'failed') = (error_code is not null)),
    check ((error_code is null) = (error_message is null)),
    check (processing_status <> 'completed' or published_transcript_id is not null),
    -- What hangs on a video names its creator too: one key keeps both together.
    unique (creator_id, id)
);
create index idx_videos_creator_status on videos (creator_id, processing_status, created_at desc);
comment on table videos is 'One uploaded lesson each; readers follow published_transcript_id.';
comment on column videos.upload_etag is 'Etag of the newest bytes seen in storage.';
comment on column videos.upload_number is 'How many times other bytes were seen; the same ones may come back.';
comment on column videos.source_etag is 'Etag of the newest bytes taken in by a run.';
comment on column videos.source_hash is 'SHA-256 of the newest bytes taken in by a run.';
comment on column videos.staged_transcript_id is 'The version that the steps work on; no reader sees it.';
comment on column videos.published_transcript_id is 'The version that readers see.';
comment on column videos.error_message is 'A sentence for the creator, never the text of an exception.';

create table transcripts (
    id          uuid primary key,
    video_id    uuid not null,
    creator_id  uuid not null,
    source_hash text not null,
    fingerprint text not null,
    origin      text not null check (origin in ('recognised', 'edited')),
    language    text not null,
    duration_s  double precision not null check (duration_s >= 0),
    word_count  integer not null check (word_count > 0),
    full_text   text not null,
    segments    jsonb not null,
    created_at  timestamptz not null default now(),
    unique (creator_id, video_id, id),
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_transcripts_video_id on transcripts (video_id, created_at desc);
comment on table transcripts is 'Every version of every transcript; a version never changes.';
comment on column transcripts.segments is
    '[{text, start, end, words: [[word, start, end, probability]]}], times in seconds.';

create index idx_videos_staged_transcript on videos (staged_transcript_id);
create index idx_videos_published_transcript on videos (published_transcript_id);
-- The pointers lead to the video's own versions and to nobody else's.
alter table videos
    add foreign key (creator_id, id, staged_transcript_id)
        references transcripts (creator_id, video_id, id) deferrable initially deferred,
    add foreign key (creator_id, id, published_transcript_id)
        references transcripts (creator_id, video_id, id) deferrable initially deferred;

create table caption_tracks (
    transcript_id uuid not null,
    video_id      uuid not null,
    creator_id    uuid not null,
    language      text not null,
    storage_key   text not null,
    cues          jsonb not null,
    created_at    timestamptz not null default now(),
    primary key (transcript_id, language),
    foreign key (creator_id, video_id, transcript_id)
        references transcripts (creator_id, video_id, id) on delete cascade
);
create index idx_caption_tracks_transcript on caption_tracks (creator_id, video_id, transcript_id);
comment on column caption_tracks.cues is '[[start, end, text]], times in seconds.';

create table transcript_chunks (
    id              uuid primary key,
    transcript_id   uuid not null,
    video_id        uuid not null,
    creator_id      uuid not null,
    chunk_index     integer not null check (chunk_index >= 0),
    chunk_text      text not null check (chunk_text <> ''),
    text_hash       text not null,
    token_count     integer not null check (token_count > 0),
    start_timestamp double precision not null check (start_timestamp >= 0),
    end_timestamp   double precision not null,
    topic_tags      text[] not null default '{}',
    tsv             tsvector not null,
    check (start_timestamp < end_timestamp),
    unique (transcript_id, chunk_index),
    foreign key (creator_id, video_id, transcript_id)
        references transcripts (creator_id, video_id, id) on delete cascade
);
create index idx_video_chunks_video_id on transcript_chunks (video_id, text_hash);
comment on table transcript_chunks is 'Chunks of each transcript version; times in seconds.';

create table embedding_generations (
    id          uuid primary key,
    provider    text not null,
    model       text not null,
    dimensions  integer not null check (dimensions between 1 and 16000),
    status      text not null check (status in ('building', 'active', 'retired')),
    recall      double precision check (recall between 0 and 1),
    created_at  timestamptz not null default now(),
    unique (provider, model, dimensions)
);
create unique index idx_embedding_generations_active on embedding_generations (status)
    where status = 'active';
comment on table embedding_generations is 'One embedding model each; exactly one is searched.';

-- A generation's partition is made with it, so that the partition key alone proves
-- that the generation exists; its vectors all have its dimensions.
create table chunk_embeddings (
    generation_id uuid not null,
    video_id      uuid not null,
    text_hash     text not null,
    creator_id    uuid not null,
    embedding     vector not null,
    primary key (video_id, text_hash, generation_id),
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
) partition by list (generation_id);
comment on table chunk_embeddings is 'The vector of a text of a video; shared by every version that holds the text.';

create table quizzes (
    id                 uuid primary key,
    video_id           uuid not null,
    creator_id         uuid not null,
    transcript_id      uuid not null,
    writer_fingerprint text not null,
    question_count     integer not null check (question_count > 0),
    status             text not null default 'draft'
        check (status in ('draft', 'approved', 'published', 'stale')),
    refused            jsonb not null default '[]',
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    version            integer not null default 1,
    unique (creator_id, id),
    foreign key (creator_id, video_id, transcript_id)
        references transcripts (creator_id, video_id, id) on delete cascade
);
create index idx_quizzes_video_id on quizzes (video_id, created_at desc);
create index idx_quizzes_transcript on quizzes (creator_id, video_id, transcript_id);
comment on column quizzes.question_count is 'How many questions were asked for.';
comment on column quizzes.refused is 'What the writer proposed and the rules refused: [{prompt, reason}].';

create table quiz_questions (
    id         uuid primary key,
    quiz_id    uuid not null,
    creator_id uuid not null,
    position   integer not null check (position >= 0),
    kind       text not null,
    prompt     text not null,
    options    text[] not null,
    answer     text not null,
    quote      text not null,
    chunk_id   uuid references transcript_chunks on delete set null,
    start_s    double precision not null check (start_s >= 0),
    end_s      double precision not null,
    check (start_s < end_s),
    unique (quiz_id, position),
    foreign key (creator_id, quiz_id) references quizzes (creator_id, id) on delete cascade
);
create index idx_quiz_questions_quiz on quiz_questions (creator_id, quiz_id);
create index idx_quiz_questions_chunk on quiz_questions (chunk_id);
comment on column quiz_questions.quote is 'The words of the transcript that support the answer, exactly.';

create table events (
    id                uuid primary key,
    name              text not null,
    schema_version    integer not null,
    deduplication_key text not null,
    creator_id        uuid references creators on delete cascade,
    payload           jsonb not null,
    created_at        timestamptz not null default now(),
    unique (name, deduplication_key)
);
create index idx_events_created_at on events (created_at, id);
comment on table events is 'Outbox: written in the transaction of its cause.';

create trigger touch before update on creators for each row execute function touch_row();
create trigger touch before update on videos for each row execute function touch_row();
create trigger touch before update on quizzes for each row execute function touch_row();

-- Tenancy: the app role sees and writes the rows of its transaction's creator.
do $$
declare
    tenant_table text;
begin
    foreach tenant_table in array array[
        'videos', 'transcripts', 'caption_tracks', 'transcript_chunks',
        'chunk_embeddings', 'quizzes', 'quiz_questions', 'events'
    ] loop
        execute format('alter table %I enable row level security, force row level security', tenant_table);
        execute format(
            'create policy creator on %I to mentora_app
                 using (creator_id = current_creator_id())
                 with check (creator_id = current_creator_id())', tenant_table);
        execute format('create policy platform on %I to mentora_admin using (true) with check (true)', tenant_table);
        execute format('grant select, insert, update, delete on %I to mentora_app, mentora_admin', tenant_table);
    end loop;
end
$$;

alter table creators enable row level security, force row level security;
create policy creator on creators to mentora_app
    using (id = current_creator_id()) with check (id = current_creator_id());
create policy platform on creators to mentora_admin using (true) with check (true);
grant select, update on creators to mentora_app;
grant select, insert, update, delete on creators to mentora_admin;

grant select on embedding_generations to mentora_app;
grant select, insert, update, delete on embedding_generations to mentora_admin;

create view video_chunks with (security_invoker = true) as
select
    chunk.id,
    chunk.video_id,
    chunk.creator_id,
    chunk.chunk_text,
    chunk.chunk_index,
    chunk.start_timestamp,
    chunk.end_timestamp,
    vector_row.embedding,
    chunk.topic_tags
from videos as video
join transcript_chunks as chunk on chunk.transcript_id = video.published_transcript_id
join embedding_generations as generation on generation.status = 'active'
join chunk_embeddings as vector_row
    on vector_row.generation_id = generation.id
    and vector_row.video_id = chunk.video_id
    and vector_row.text_hash = chunk.text_hash;
grant select on video_chunks to mentora_app, mentora_admin;
comment on view video_chunks is 'The published chunks with their vectors of the active generation.';
