-- What each stage of a lesson took, and how well the parts of the platform were.

create table stage_timings (
    id               uuid primary key,
    creator_id       uuid not null,
    video_id         uuid not null,
    run_id           text not null,
    stage            text not null check (stage <> ''),
    part             text check (part <> ''),
    attempt          integer not null check (attempt > 0),
    calls            integer not null check (calls > 0),
    duration_s       double precision not null check (duration_s >= 0),
    video_duration_s double precision check (video_duration_s >= 0),
    failed           boolean not null,
    error_code       text check (error_code is null or failed),
    recorded_at      timestamptz not null default now(),
    foreign key (creator_id, video_id) references videos (creator_id, id) on delete cascade
);
create index idx_stage_timings_video on stage_timings (video_id);
create index idx_stage_timings_creator on stage_timings (creator_id, video_id);
create index idx_stage_timings_failures on stage_timings (creator_id, error_code, recorded_at)
    where error_code is not null;
-- Written in the order of time, and read and forgotten by it.
create index idx_stage_timings_time on stage_timings using brin (recorded_at)
    with (autosummarize = on);
comment on table stage_timings is
    'What each try of a stage of a lesson took, and the parts of it; kept for 90 days.';
comment on column stage_timings.id is 'Made in Python.';
comment on column stage_timings.creator_id is 'The creator of the video.';
comment on column stage_timings.video_id is 'The video that was worked on.';
comment on column stage_timings.run_id is 'The run, as Dagster names it.';
comment on column stage_timings.stage is 'The asset or the check, as transcripts.';
comment on column stage_timings.part is
    'What was timed inside of it, as database; NULL: the stage as a whole.';
comment on column stage_timings.attempt is 'Which try of the step it was, from 1.';
comment on column stage_timings.calls is 'How many pieces of work are summed up.';
comment on column stage_timings.duration_s is 'Seconds, by a clock that never goes back.';
comment on column stage_timings.video_duration_s is 'Length of the video in seconds, if known.';
comment on column stage_timings.failed is 'Whether the try failed.';
comment on column stage_timings.error_code is 'Why, as in videos.error_code.';
comment on column stage_timings.recorded_at is 'When the try ended.';

alter table stage_timings enable row level security, force row level security;
create policy creator on stage_timings to mentora_app
    using (creator_id = current_creator_id()) with check (creator_id = current_creator_id());
create policy platform on stage_timings to mentora_admin using (true) with check (true);
grant select on stage_timings to mentora_app;
grant select, insert, update, delete on stage_timings to mentora_admin;

comment on column analytics_events.event_name is
    'What happened: session_started, lesson_started, lesson_watched, lesson_completed, '
    'quiz_attempted, chat_message_sent, achievement_unlocked, student_joined, video_processed '
    'and video_failed are counted by aggregate_daily_metrics; any other name is kept, as '
    'slow_operation {operation, seconds, run} of this pipeline.';

create table platform_health_checks (
    id         uuid primary key,
    look_id    uuid not null,
    checked_at timestamptz not null default now(),
    part       text not null check (part <> ''),
    is_well    boolean not null,
    latency_ms double precision check (latency_ms >= 0),
    value      double precision,
    threshold  double precision,
    detail     text not null,
    streak     integer not null check (streak >= 0),
    is_alarmed boolean not null,
    told       boolean not null,
    unique (look_id, part)
);
create index idx_platform_health_checks_part on platform_health_checks (part, checked_at desc, id desc);
create index idx_platform_health_checks_time on platform_health_checks (checked_at);
comment on table platform_health_checks is
    'Each look at each part of the platform; kept for 30 days. Operators only.';
comment on column platform_health_checks.id is 'Made in Python.';
comment on column platform_health_checks.look_id is 'The look that it is a part of.';
comment on column platform_health_checks.checked_at is 'When.';
comment on column platform_health_checks.part is 'What was looked at, as database or dead letters.';
comment on column platform_health_checks.is_well is 'Whether it was well at that look.';
comment on column platform_health_checks.latency_ms is 'Milliseconds to its answer, if it was asked.';
comment on column platform_health_checks.value is 'The figure, if it is one that is counted.';
comment on column platform_health_checks.threshold is 'What the figure may not exceed.';
comment on column platform_health_checks.detail is 'More for an engineer, without secrets.';
comment on column platform_health_checks.streak is
    'Looks in a row, with this one, that contradict is_alarmed as it was before.';
comment on column platform_health_checks.is_alarmed is
    'Whether the part counts as not well, after this look.';
comment on column platform_health_checks.told is 'Whether that changed with this look: a notice.';
revoke all on platform_health_checks from mentora_app;
grant select, insert, update, delete on platform_health_checks to mentora_admin;
