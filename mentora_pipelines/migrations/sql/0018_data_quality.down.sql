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

alter table analytics_events drop column amount;
drop function fact_amount(text, jsonb);
