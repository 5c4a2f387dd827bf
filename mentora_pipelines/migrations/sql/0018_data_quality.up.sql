-- What a fact is worth is told once, when it is written, and not by each count of its day.

create function fact_amount(event_name text, properties jsonb) returns numeric
    language sql immutable parallel safe
    -- What a client sent may be anything. In the order of jsonb only a number lies between
    -- two numbers, so that one comparison tests the type and the range.
    return case event_name
        when 'lesson_watched' then
            case when properties -> 'seconds' between '0' and '86400'
                then (properties -> 'seconds')::numeric end
        when 'video_processed' then
            case when properties -> 'seconds' between '0' and '86400'
                then (properties -> 'seconds')::numeric end
        when 'quiz_attempted' then
            case
                when properties -> 'maxScore' > '0' and properties -> 'maxScore' <= '1000000'
                    and properties -> 'score' between '0' and properties -> 'maxScore'
                    and properties -> 'passed' in ('true', 'false')
                then (properties -> 'score')::numeric / (properties -> 'maxScore')::numeric
            end
    end;
comment on function fact_amount(text, jsonb) is
    'Seconds (0 to 86400) of lesson_watched and video_processed, the share of the points of '
    'quiz_attempted; NULL of any other name, and of values that cannot be.';

-- Writes every partition anew, and nobody reads or writes meanwhile: 73 s of ten million
-- facts. Months in analytics_archive stay as they are.
alter table analytics_events
    add column amount numeric generated always as (fact_amount(event_name, properties)) stored;
comment on column analytics_events.amount is
    'What a count adds up: fact_amount(event_name, properties), kept by the server.';

create or replace function sum_facts(starts timestamptz, ends timestamptz)
    returns table (
        creator_id uuid, kind text, events bigint, newest_event_at timestamptz,
        measured bigint, amount numeric)
    -- A statement of its own, since one that also writes gets no parallel workers.
    language plpgsql stable as
$$
#variable_conflict use_column
begin
    return query
    with by_name as (
        select
            creator_id,
            event_name,
            count(*) as events,
            max(ingested_at) as newest_event_at,
            count(amount) as measured,
            sum(amount) as amount,
            -- The only look at properties, and at those of one name.
            count(amount) filter (
                where event_name = 'quiz_attempted' and properties -> 'passed' = 'true'
            ) as passed
        from analytics_events
        -- Found by the month's partition and its BRIN, which knows the days of each 128
        -- pages.
        where created_at >= starts and created_at < ends
        group by creator_id, event_name
    )
    select creator_id, event_name, events - passed, newest_event_at, measured - passed, amount
    from by_name
    union all
    select creator_id, 'quiz_attempted, passed', passed, newest_event_at, passed, null
    from by_name
    where passed > 0;
end
$$;

-- A generated column is not written, so the columns are named.
create or replace function create_analytics_partitions(first_month date, months integer) returns integer
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
        -- A month that was put away stays so; its late facts go to the default partition.
        continue when to_regclass(format('analytics_archive.%I', partition_name)) is not null;
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
             insert into %I (
                 id, creator_id, student_id, video_id, event_name, properties, created_at,
                 ingested_at)
             select
                 id, creator_id, student_id, video_id, event_name, properties, created_at,
                 ingested_at
             from moved order by created_at', partition_name)
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
