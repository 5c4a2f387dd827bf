-- What happened, by month, and what became of it, by day.

-- No foreign keys: a fact outlives what it is about, so that a day can be counted again
-- years later with the same result; and a million facts are not looked up one by one.
create table analytics_events (
    id          uuid not null,
    creator_id  uuid,
    student_id  uuid,
    video_id    uuid,
    event_name  text not null check (event_name <> ''),
    properties  jsonb not null default '{}',
    created_at  timestamptz not null default now(),
    ingested_at timestamptz not null default now(),
    -- Time first: inserts go to the end of the index, and lists are paged along it.
    primary key (created_at, id)
) partition by range (created_at);
-- Rows come in the order of time, so 256 kB of BRIN find a day as well as a 214 MB b-tree.
create index idx_analytics_events_time on analytics_events
    using brin (created_at) with (autosummarize = on);
-- Finds what came late: the days that must be counted again.
create index idx_analytics_events_ingested on analytics_events
    using brin (ingested_at) with (autosummarize = on);
comment on table analytics_events is
    'What happened, one fact a row, a partition a month (UTC); facts never change.';
comment on column analytics_events.id is
    'Made by the sender, unique with created_at: the same fact sent twice is stored once.';
comment on column analytics_events.creator_id is
    'Whose students it is about; NULL: the platform''s own, which no creator sees.';
comment on column analytics_events.student_id is 'Who did it, if a student did.';
comment on column analytics_events.video_id is 'The lesson it is about, if any.';
comment on column analytics_events.event_name is 'What happened, as lesson_started.';
comment on column analytics_events.properties is 'What else is known about it.';
comment on column analytics_events.created_at is 'When it happened, maybe days before we heard.';
comment on column analytics_events.ingested_at is 'When the row was written.';

alter table analytics_events enable row level security, force row level security;
create policy creator on analytics_events to mentora_app
    using (creator_id = current_creator_id()) with check (creator_id = current_creator_id());
create policy platform on analytics_events to mentora_admin using (true) with check (true);
grant select, insert on analytics_events to mentora_app;
grant select, insert, update, delete on analytics_events to mentora_admin;

create function create_analytics_partition(partition_name text) returns void
    language plpgsql as
$$
begin
    execute format('create table %I (like analytics_events including all)', partition_name);
    -- The app role gets no right to it: rows are reached through their table. On a server
    -- that grants rights to every new table the policies still hold.
    execute format(
        'alter table %I enable row level security, force row level security', partition_name);
    execute format(
        'create policy creator on %I to mentora_app
             using (creator_id = current_creator_id())
             with check (creator_id = current_creator_id())', partition_name);
    execute format(
        'create policy platform on %I to mentora_admin using (true) with check (true)',
        partition_name);
end
$$;
comment on function create_analytics_partition(text) is
    'A table like analytics_events with its policies, ready to be attached to it.';

select create_analytics_partition('analytics_events_default');
alter table analytics_events attach partition analytics_events_default default;
comment on table analytics_events_default is
    'Facts of months that have no partition yet, so that none is refused.';

create function create_analytics_partitions(first_month date, months integer) returns integer
    language plpgsql as
$$
declare
    month          timestamp;
    starts         timestamptz;
    ends           timestamptz;
    partition_name text;
    made           integer := 0;
begin
    for ahead in 0 .. months - 1 loop
        month := date_trunc('month', first_month::timestamp) + make_interval(months => ahead);
        starts := month at time zone 'UTC';
        ends := (month + interval '1 month') at time zone 'UTC';
        partition_name := 'analytics_events_' || to_char(month, 'YYYY_MM');
        -- A month that was detached stays so; its late facts go to the default partition.
        continue when to_regclass(format('%I', partition_name)) is not null;
        -- Writers wait here: one who had chosen the default partition would be refused.
        lock table analytics_events in share row exclusive mode;
        continue when to_regclass(format('%I', partition_name)) is not null;

        perform create_analytics_partition(partition_name);
        execute format(
            'with moved as (
                 delete from analytics_events_default
                 where created_at >= $1 and created_at < $2
                 returning *)
             insert into %I select * from moved order by created_at', partition_name)
            using starts, ends;
        execute format(
            'alter table analytics_events attach partition %I for values from (%L) to (%L)',
            partition_name, starts, ends);
        execute format(
            'comment on table %I is %L', partition_name, 'Facts of one month (UTC).');
        made := made + 1;
    end loop;
    return made;
end
$$;
comment on function create_analytics_partitions(date, integer) is
    'Makes the partitions of so many months from the one of first_month that have none, moves '
    'their facts out of the default partition, and returns how many it made.';

-- Clocks are wrong and mail is late: the months before, and half a year ahead.
select create_analytics_partitions((now() at time zone 'UTC')::date - 62, 9);

create table daily_metrics (
    -- Follows from the day and the creator: no generated value may depend on a setting, as
    -- the text of a date does, so the day is counted.
    id                  uuid primary key generated always as (
        encode(substr(sha256(((metric_date - date '2000-01-01')::text || '/'
            || coalesce(creator_id::text, ''))::bytea), 1, 16), 'hex')::uuid) stored,
    metric_date         date not null,
    creator_id          uuid references creators on delete cascade,
    active_students     integer not null default 0 check (active_students >= 0),
    sessions            integer not null default 0 check (sessions >= 0),
    watch_minutes       double precision not null default 0 check (watch_minutes >= 0),
    lessons_started     integer not null default 0 check (lessons_started >= 0),
    lessons_completed   integer not null default 0 check (lessons_completed >= 0),
    quiz_attempts       integer not null default 0 check (quiz_attempts >= 0),
    quiz_average_score  double precision check (quiz_average_score between 0 and 1),
    quiz_pass_rate      double precision check (quiz_pass_rate between 0 and 1),
    chat_messages       integer not null default 0 check (chat_messages >= 0),
    achievements        integer not null default 0 check (achievements >= 0),
    new_students        integer not null default 0 check (new_students >= 0),
    processing_minutes  double precision not null default 0 check (processing_minutes >= 0),
    processing_failures integer not null default 0 check (processing_failures >= 0),
    ai_cost_usd         numeric(12, 6) not null default 0 check (ai_cost_usd >= 0),
    computed_at         timestamptz not null default now(),
    unique nulls not distinct (metric_date, creator_id)
);
create index idx_daily_metrics_creator on daily_metrics (creator_id, metric_date desc);
comment on table daily_metrics is
    'One day (UTC) of one creator, or of the whole platform; counted again it is replaced.';
comment on column daily_metrics.id is 'Follows from the day and the creator.';
comment on column daily_metrics.metric_date is 'The day, in UTC.';
comment on column daily_metrics.creator_id is
    'The creator; NULL: the whole platform, which no creator sees.';
comment on column daily_metrics.active_students is 'Students who did anything.';
comment on column daily_metrics.sessions is 'Visits of students.';
comment on column daily_metrics.watch_minutes is 'Minutes of lessons watched.';
comment on column daily_metrics.lessons_started is 'Lessons that a student began.';
comment on column daily_metrics.lessons_completed is 'Lessons that a student finished.';
comment on column daily_metrics.quiz_attempts is 'Quizzes handed in.';
comment on column daily_metrics.quiz_average_score is
    'Mean share of the points, 0 to 1; NULL without an attempt.';
comment on column daily_metrics.quiz_pass_rate is
    'Share of the attempts that passed, 0 to 1; NULL without an attempt.';
comment on column daily_metrics.chat_messages is 'Messages written by students.';
comment on column daily_metrics.achievements is 'Achievements unlocked.';
comment on column daily_metrics.new_students is 'Students who joined.';
comment on column daily_metrics.processing_minutes is 'Minutes of video processed.';
comment on column daily_metrics.processing_failures is 'Videos whose processing failed.';
comment on column daily_metrics.ai_cost_usd is 'Known cost of providers, in US dollars.';
comment on column daily_metrics.computed_at is 'When this row was counted.';

alter table daily_metrics enable row level security, force row level security;
create policy creator on daily_metrics to mentora_app
    using (creator_id = current_creator_id()) with check (creator_id = current_creator_id());
create policy platform on daily_metrics to mentora_admin using (true) with check (true);
grant select on daily_metrics to mentora_app;
grant select, insert, update, delete on daily_metrics to mentora_admin;
