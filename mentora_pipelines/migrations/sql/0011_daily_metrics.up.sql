-- Facts of our own, a day's metrics out of all facts, weeks and months out of days.

-- Facts. What students do is sent by the web application, as rows of analytics_events. This
-- pipeline adds what it alone knows: which lessons it has processed, and which failed.

create function fact_id(event_name text, subject text) returns uuid
    language sql immutable parallel safe
    return encode(substr(sha256((event_name || '/' || subject)::bytea), 1, 16), 'hex')::uuid;
comment on function fact_id(text, text) is
    'The id of the fact that this happened to this row: the same whoever writes it.';

create function record_video_facts() returns trigger
    language plpgsql as
$$
begin
    if new.processing_status = 'completed' then
        -- Dated by its version, which is written once: published again it is the same fact.
        insert into analytics_events (id, creator_id, video_id, event_name, properties, created_at)
        select
            fact_id('video_processed', transcripts.id::text), new.creator_id, new.id,
            'video_processed', jsonb_build_object('seconds', coalesce(new.duration_s, 0)),
            transcripts.created_at
        from transcripts
        where transcripts.id = new.published_transcript_id
        on conflict do nothing;
    else
        -- What a retry meets again the same day is one failure, not one per try.
        insert into analytics_events (id, creator_id, video_id, event_name, properties)
        select
            fact.id, new.creator_id, new.id, 'video_failed',
            jsonb_build_object('errorCode', new.error_code)
        from (
            select fact_id(
                'video_failed', concat_ws('/', new.id, new.upload_number, new.error_code)) as id
        ) as fact
        where not exists (
            select from analytics_events as known
            where known.id = fact.id
              and known.created_at >= date_trunc('day', now(), 'UTC'));
    end if;
    return null;
end
$$;
comment on function record_video_facts() is
    'Writes video_processed {seconds: its length} once for each version, or video_failed '
    '{errorCode} once a day (UTC) for each upload and reason.';
create trigger record_facts after update on videos
    for each row when (
        new.processing_status is distinct from old.processing_status
        and new.processing_status in ('completed', 'failed'))
    execute function record_video_facts();

-- A day.

alter table daily_metrics
    add column events             integer not null default 0 check (events >= 0),
    add column malformed_events   integer not null default 0 check (malformed_events >= 0),
    add column newest_event_at    timestamptz,
    add column active_student_ids uuid[] not null default '{}',
    add check (cardinality(active_student_ids) = active_students or events = 0);
comment on column daily_metrics.events is 'Facts of the day, of any name.';
comment on column daily_metrics.malformed_events is
    'Facts whose values cannot be: left out of the other numbers.';
comment on column daily_metrics.newest_event_at is
    'When the last of these facts was written (ingested_at); a later one makes the day stale.';
comment on column daily_metrics.active_student_ids is
    'Who was active, sorted: the students of a week are not the sum of its days'' students.';

comment on column daily_metrics.active_students is
    'Students named by any fact but student_joined and achievement_unlocked.';
comment on column daily_metrics.sessions is 'session_started.';
comment on column daily_metrics.watch_minutes is
    'lesson_watched {seconds: what was watched since the last one, 0 to 86400} / 60.';
comment on column daily_metrics.lessons_started is 'lesson_started.';
comment on column daily_metrics.lessons_completed is 'lesson_completed.';
comment on column daily_metrics.quiz_attempts is
    'quiz_attempted {score: 0 to maxScore, maxScore: above 0, passed: true or false}.';
comment on column daily_metrics.quiz_average_score is
    'Mean of score / maxScore of quiz_attempted, 0 to 1; NULL without an attempt.';
comment on column daily_metrics.quiz_pass_rate is
    'Share of quiz_attempted with passed, 0 to 1; NULL without an attempt.';
comment on column daily_metrics.chat_messages is 'chat_message_sent, by students.';
comment on column daily_metrics.achievements is 'achievement_unlocked.';
comment on column daily_metrics.new_students is 'student_joined.';
comment on column daily_metrics.processing_minutes is
    'video_processed {seconds: the length of the lesson} / 60.';
comment on column daily_metrics.processing_failures is 'video_failed {errorCode}.';
comment on column daily_metrics.ai_cost_usd is 'Settled cost of ai_usage, in US dollars.';
comment on column analytics_events.event_name is
    'What happened: session_started, lesson_started, lesson_watched, lesson_completed, '
    'quiz_attempted, chat_message_sent, achievement_unlocked, student_joined, video_processed '
    'and video_failed are counted by aggregate_daily_metrics; any other name is kept.';
comment on column analytics_events.properties is
    'What else is known; what is counted is told at the columns of daily_metrics. Numbers are '
    'JSON numbers, not strings.';

create function sum_facts(starts timestamptz, ends timestamptz)
    returns table (
        creator_id uuid, kind text, events bigint, newest_event_at timestamptz,
        measured bigint, amount numeric)
    -- A statement of its own, since one that also writes gets no parallel workers.
    language plpgsql stable as
$$
#variable_conflict use_column
begin
    return query
    with raw_facts as (
        select
            creator_id,
            event_name,
            ingested_at,
            case event_name
                when 'lesson_watched' then properties -> 'seconds'
                when 'video_processed' then properties -> 'seconds'
                when 'quiz_attempted' then properties -> 'score'
            end as value,
            case when event_name = 'quiz_attempted' then properties -> 'maxScore' end as most,
            case when event_name = 'quiz_attempted' then properties -> 'passed' end as passed
        from analytics_events
        -- Found by the month's partition and its BRIN, which knows the days of each 128 pages.
        where created_at >= starts and created_at < ends
        -- Else the planner takes a value out of the properties for each place that holds it.
        offset 0
    ),
    facts as (
        select
            creator_id,
            ingested_at,
            case when passed = 'true' then 'quiz_attempted, passed' else event_name end as kind,
            -- What a client sent may be anything. In the order of jsonb only a number lies
            -- between two numbers, so that one comparison tests the type and the range.
            case event_name
                when 'quiz_attempted' then
                    case when most > '0' and most <= '1000000' and value between '0' and most
                        and (passed = 'true' or passed = 'false')
                        then value::numeric / most::numeric end
                else case when value between '0' and '86400' then value::numeric end
            end as amount
        from raw_facts
        offset 0
    )
    select creator_id, kind, count(*), max(ingested_at), count(amount), sum(amount)
    from facts
    group by creator_id, kind;
end
$$;
comment on function sum_facts(timestamptz, timestamptz) is
    'Facts of a time by creator and name, with their amounts: seconds of at most a day, shares '
    'of the points of a quiz; measured: how many have one that can be.';

create function active_students(starts timestamptz, ends timestamptz)
    returns table (creator_id uuid, student_ids uuid[])
    language plpgsql stable as
$$
#variable_conflict use_column
begin
    return query
    select creator_id, array_agg(student_id order by student_id)
    from (
        -- A hash of the pairs: count(distinct) would sort every fact.
        select creator_id, student_id
        from analytics_events
        where created_at >= starts and created_at < ends
          and student_id is not null
          -- These two befall a student; whatever else names one is the student's doing.
          and event_name not in ('student_joined', 'achievement_unlocked')
        group by creator_id, student_id
    ) as pairs
    group by creator_id;
end
$$;
comment on function active_students(timestamptz, timestamptz) is
    'The students of each creator who did anything in a time, sorted.';
revoke execute on function
    sum_facts(timestamptz, timestamptz), active_students(timestamptz, timestamptz) from public;
grant execute on function
    sum_facts(timestamptz, timestamptz), active_students(timestamptz, timestamptz)
    to mentora_admin;

create function aggregate_daily_metrics(target_date date)
    returns table (creator_id uuid, change text)
    language plpgsql
    -- The plan of one day; compiling it would take longer than running it.
    set plan_cache_mode = force_custom_plan
    set jit = off
    set work_mem = '64MB'
as
$$
#variable_conflict use_column
declare
    -- The day in UTC, whatever the session's time zone is.
    starts      constant timestamptz := target_date::timestamp at time zone 'UTC';
    ends        constant timestamptz := (target_date + 1)::timestamp at time zone 'UTC';
    month_table constant text := 'analytics_events_' || to_char(target_date::timestamp, 'YYYY_MM');
    -- Stands for the platform where rows are joined: NULL equals nothing.
    nobody      constant uuid := '00000000-0000-0000-0000-000000000000';
begin
    if target_date is null then
        raise exception 'a day is needed' using errcode = 'null_value_not_allowed';
    end if;
    -- One count of a day at a time: of two, the one with the older view could write last.
    perform pg_advisory_xact_lock(hashtext('aggregate_daily_metrics'), target_date - '2000-01-01');

    -- Without this a day whose facts were put away would be counted down to nothing.
    if to_regclass(format('analytics_archive.%I', month_table)) is not null and (
        select count(*) from analytics_events where created_at >= starts and created_at < ends
    ) < (
        select events from daily_metrics
        where metric_date = target_date and creator_id is null
    ) then
        raise exception 'the facts of % are not here any more', target_date
            using errcode = 'object_not_in_prerequisite_state';
    end if;

    return query
    -- Sums are numerics: the order of the facts does not matter. A student is one entry of
    -- a list instead of a row in each of the sums.
    with active as materialized (
        select creator_id, student_ids from active_students(starts, ends)
    ),
    by_creator as (
        select
            creator_id,
            sum(events) as events,
            max(newest_event_at) as newest_event_at,
            sum(events - measured) filter (
                where kind in ('lesson_watched', 'video_processed', 'quiz_attempted', 'quiz_attempted, passed')
            ) as malformed_events,
            sum(events) filter (where kind = 'session_started') as sessions,
            sum(amount) filter (where kind = 'lesson_watched') as watch_s,
            sum(events) filter (where kind = 'lesson_started') as lessons_started,
            sum(events) filter (where kind = 'lesson_completed') as lessons_completed,
            sum(measured) filter (where kind in ('quiz_attempted', 'quiz_attempted, passed'))
                as quiz_attempts,
            sum(amount) filter (where kind in ('quiz_attempted', 'quiz_attempted, passed')) as quiz_scores,
            coalesce(sum(measured) filter (where kind = 'quiz_attempted, passed'), 0) as quiz_passes,
            sum(events) filter (where kind = 'chat_message_sent') as chat_messages,
            sum(events) filter (where kind = 'achievement_unlocked') as achievements,
            sum(events) filter (where kind = 'student_joined') as new_students,
            sum(amount) filter (where kind = 'video_processed') as processed_s,
            sum(events) filter (where kind = 'video_failed') as processing_failures,
            0::numeric as ai_cost_usd
        from sum_facts(starts, ends)
        group by creator_id
        -- Cost is booked in its own ledger. What is only reserved is a guess.
        union all
        select
            creator_id, 0, null, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(cost_usd)
        from ai_usage
        where created_at >= starts and created_at < ends
          and status <> 'reserved' and cost_usd is not null
        group by creator_id
    ),
    sums as (
        select
            creator_id,
            grouping(creator_id) = 1 as of_platform,
            coalesce(sum(events), 0)::integer as events,
            max(newest_event_at) as newest_event_at,
            coalesce(sum(malformed_events), 0)::integer as malformed_events,
            coalesce(sum(sessions), 0)::integer as sessions,
            coalesce(sum(watch_s), 0)::double precision / 60 as watch_minutes,
            coalesce(sum(lessons_started), 0)::integer as lessons_started,
            coalesce(sum(lessons_completed), 0)::integer as lessons_completed,
            coalesce(sum(quiz_attempts), 0)::integer as quiz_attempts,
            (sum(quiz_scores) / nullif(sum(quiz_attempts), 0))::double precision
                as quiz_average_score,
            (sum(quiz_passes) / nullif(sum(quiz_attempts), 0))::double precision
                as quiz_pass_rate,
            coalesce(sum(chat_messages), 0)::integer as chat_messages,
            coalesce(sum(achievements), 0)::integer as achievements,
            coalesce(sum(new_students), 0)::integer as new_students,
            coalesce(sum(processed_s), 0)::double precision / 60 as processing_minutes,
            coalesce(sum(processing_failures), 0)::integer as processing_failures,
            coalesce(sum(ai_cost_usd), 0)::numeric(12, 6) as ai_cost_usd
        from by_creator
        group by grouping sets ((creator_id), ())
    ),
    students as (
        select creator_id, false as of_platform, student_ids
        from active
        union all
        select null, true, array_agg(distinct student_id)
        from active, unnest(student_ids) as student_id
    ),
    counted as materialized (
        select
            sums.*,
            coalesce(students.student_ids, '{}') as active_student_ids,
            cardinality(coalesce(students.student_ids, '{}')) as active_students,
            coalesce(sums.creator_id, nobody) as owner
        from sums
        left join students
            on coalesce(students.creator_id, nobody) = coalesce(sums.creator_id, nobody)
            and students.of_platform = sums.of_platform
        -- Facts outlive their creator: they count for the platform and for nobody else.
        where sums.of_platform
           or exists (select from creators where creators.id = sums.creator_id)
    ),
    known as materialized (
        select *, coalesce(creator_id, nobody) as owner
        from daily_metrics
        where metric_date = target_date
    ),
    gone as (
        delete from daily_metrics as stored
        where stored.metric_date = target_date
          and coalesce(stored.creator_id, nobody) not in (select owner from counted)
        returning stored.creator_id
    ),
    -- What is as it was is not written, so that a second count leaves no trace.
    written as (
        insert into daily_metrics as stored (
            metric_date, creator_id, events, newest_event_at, malformed_events,
            active_student_ids, active_students, sessions, watch_minutes, lessons_started,
            lessons_completed, quiz_attempts, quiz_average_score, quiz_pass_rate,
            chat_messages, achievements, new_students, processing_minutes,
            processing_failures, ai_cost_usd)
        select
            target_date, creator_id, events, newest_event_at, malformed_events,
            active_student_ids, active_students, sessions, watch_minutes, lessons_started,
            lessons_completed, quiz_attempts, quiz_average_score, quiz_pass_rate,
            chat_messages, achievements, new_students, processing_minutes,
            processing_failures, ai_cost_usd
        from counted
        where not exists (
            select
            from known
            where known.owner = counted.owner
              and (
                  known.events, known.newest_event_at, known.malformed_events,
                  known.active_student_ids, known.active_students, known.sessions,
                  known.watch_minutes, known.lessons_started, known.lessons_completed,
                  known.quiz_attempts, known.quiz_average_score, known.quiz_pass_rate,
                  known.chat_messages, known.achievements, known.new_students,
                  known.processing_minutes, known.processing_failures, known.ai_cost_usd
              ) is not distinct from (
                  counted.events, counted.newest_event_at, counted.malformed_events,
                  counted.active_student_ids, counted.active_students, counted.sessions,
                  counted.watch_minutes, counted.lessons_started, counted.lessons_completed,
                  counted.quiz_attempts, counted.quiz_average_score, counted.quiz_pass_rate,
                  counted.chat_messages, counted.achievements, counted.new_students,
                  counted.processing_minutes, counted.processing_failures, counted.ai_cost_usd
              ))
        on conflict (metric_date, creator_id) do update set
            events = excluded.events,
            newest_event_at = excluded.newest_event_at,
            malformed_events = excluded.malformed_events,
            active_student_ids = excluded.active_student_ids,
            active_students = excluded.active_students,
            sessions = excluded.sessions,
            watch_minutes = excluded.watch_minutes,
            lessons_started = excluded.lessons_started,
            lessons_completed = excluded.lessons_completed,
            quiz_attempts = excluded.quiz_attempts,
            quiz_average_score = excluded.quiz_average_score,
            quiz_pass_rate = excluded.quiz_pass_rate,
            chat_messages = excluded.chat_messages,
            achievements = excluded.achievements,
            new_students = excluded.new_students,
            processing_minutes = excluded.processing_minutes,
            processing_failures = excluded.processing_failures,
            ai_cost_usd = excluded.ai_cost_usd,
            computed_at = now()
        returning
            stored.creator_id,
            -- A row that replaces another one has its transaction as xmax.
            case when stored.xmax = 0 then 'inserted' else 'updated' end as change
    )
    select written.creator_id, written.change from written
    union all
    select gone.creator_id, 'deleted' from gone
    union all
    select counted.creator_id, 'unchanged' from counted
    where counted.owner not in (select coalesce(written.creator_id, nobody) from written);
end
$$;
comment on function aggregate_daily_metrics(date) is
    'Counts the facts of one day (UTC) and replaces its rows of daily_metrics; returns what '
    'became of each row (creator, or NULL for the platform): inserted, updated, deleted or '
    'unchanged. Counted again from the same facts, no row is written. By name of the fact: '
    'active_students: any that names a student but student_joined and achievement_unlocked; '
    'sessions: session_started; watch_minutes: lesson_watched {seconds}; lessons_started and '
    'lessons_completed: of the same names; quiz_attempts, quiz_average_score, quiz_pass_rate: '
    'quiz_attempted {score, maxScore, passed}; chat_messages: chat_message_sent; achievements: '
    'achievement_unlocked; new_students: student_joined; processing_minutes: video_processed '
    '{seconds}; processing_failures: video_failed; ai_cost_usd: the calls of ai_usage that were '
    'made on the day and are settled. video_processed and video_failed are written by a trigger '
    'on videos; the web application sends the others.';

-- It counts across creators, so it belongs to the role that sees them all.
revoke execute on function aggregate_daily_metrics(date) from public;
grant execute on function aggregate_daily_metrics(date) to mentora_admin;

-- Weeks and months.

create function roll_up_daily_metrics(
    first_date date, last_date date, period text, of_creator uuid default null)
    returns table (
        period_start date, creator_id uuid, days integer, active_students bigint,
        sessions bigint, watch_minutes double precision, lessons_started bigint,
        lessons_completed bigint, quiz_attempts bigint, quiz_average_score double precision,
        quiz_pass_rate double precision, chat_messages bigint, achievements bigint,
        new_students bigint, processing_minutes double precision, processing_failures bigint,
        ai_cost_usd numeric, malformed_events bigint)
    language sql stable as
$$
    with days as (
        select date_trunc(period, metric_date::timestamp)::date as period_start, *
        from daily_metrics
        where metric_date between first_date and last_date
          and creator_id is not distinct from of_creator
    )
    select
        days.period_start,
        of_creator,
        count(*)::integer,
        coalesce((
            select count(distinct student_id)
            from days as of_period, unnest(of_period.active_student_ids) as student_id
            where of_period.period_start = days.period_start), 0),
        sum(sessions),
        -- In one order, so that the same days give the same last digit.
        sum(watch_minutes order by metric_date),
        sum(lessons_started),
        sum(lessons_completed),
        sum(quiz_attempts),
        sum(quiz_average_score * quiz_attempts order by metric_date)
            / nullif(sum(quiz_attempts), 0),
        sum(quiz_pass_rate * quiz_attempts order by metric_date)
            / nullif(sum(quiz_attempts), 0),
        sum(chat_messages),
        sum(achievements),
        sum(new_students),
        sum(processing_minutes order by metric_date),
        sum(processing_failures),
        sum(ai_cost_usd),
        sum(malformed_events)
    from days
    group by days.period_start
    order by days.period_start
$$;
comment on function roll_up_daily_metrics(date, date, text, uuid) is
    'The metrics of each day, week (from Monday) or month that has days between the two dates, '
    'both included, of a creator or, with NULL, of the platform; days: how many were counted. '
    'Students are counted once a period.';
revoke execute on function roll_up_daily_metrics(date, date, text, uuid) from public;
grant execute on function roll_up_daily_metrics(date, date, text, uuid)
    to mentora_app, mentora_admin;

-- Retention.

create schema analytics_archive;
comment on schema analytics_archive is
    'Months of analytics_events that were put away. An operator who needs their space exports '
    'and truncates them: the empty table says that the metrics of its days are not to be counted '
    'again.';

create function archive_analytics_partitions(keep_from date) returns setof text
    language plpgsql as
$$
declare
    month_table text;
begin
    for month_table in
        select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
        where inhparent = 'analytics_events'::regclass
          and relname ~ '^analytics_events_\d{4}_\d{2}$'
          and relname < 'analytics_events_' || to_char(keep_from::timestamp, 'YYYY_MM')
        order by relname
    loop
        execute format('alter table analytics_events detach partition %I', month_table);
        execute format('alter table %I set schema analytics_archive', month_table);
        return next month_table;
    end loop;
end
$$;
comment on function archive_analytics_partitions(date) is
    'Moves the months before the one of keep_from to the schema analytics_archive, whole and '
    'readable, and returns their names; the metrics of their days stay.';
revoke execute on function archive_analytics_partitions(date) from public;
grant execute on function archive_analytics_partitions(date) to mentora_admin;
