-- Days whose facts were put away uncounted; lessons that are processed once, when heard.

create function facts_are_archived(day date) returns boolean
    language sql stable
    -- An operator may attach a month again where it lies.
    return exists (
        select from pg_class
        where oid = to_regclass(
                'analytics_archive.analytics_events_' || to_char(day::timestamp, 'YYYY_MM'))
          and not relispartition);
comment on function facts_are_archived(date) is
    'Whether the month of a day was put away, so that its facts can neither be counted nor '
    'compared with.';

-- Its own guard asks for the rows of the day, and a day without any was counted to nothing.
alter function aggregate_daily_metrics(date) rename to count_day;

create function aggregate_daily_metrics(target_date date)
    returns table (creator_id uuid, change text)
    language plpgsql as
$$
begin
    -- No month is put away between the question and the count.
    lock table only analytics_events in access share mode;
    if facts_are_archived(target_date) then
        raise exception 'the facts of % are not here any more', target_date
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    return query select * from count_day(target_date);
end
$$;
comment on function aggregate_daily_metrics(date) is
    'What count_day(date) does and returns; refused (object_not_in_prerequisite_state) when the '
    'facts of the day were put away.';

create or replace function archive_analytics_partitions(keep_from date) returns setof text
    language plpgsql as
$$
declare
    month_table text;
    month       timestamp;
begin
    for month_table in
        select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
        where inhparent = 'analytics_events'::regclass
          and relname ~ '^analytics_events_\d{4}_\d{2}$'
          and relname < 'analytics_events_' || to_char(keep_from::timestamp, 'YYYY_MM')
        order by relname
    loop
        month := to_date(right(month_table, 7), 'YYYY_MM');
        -- Where it goes nobody can count them any more.
        continue when exists (
            select
            from generate_series(month, month + interval '1 month - 1 day', '1 day') as day
            where not exists (
                    select from daily_metrics
                    where metric_date = day::date and creator_id is null)
              and exists (
                    select from analytics_events
                    where created_at >= day at time zone 'UTC'
                      and created_at < (day + interval '1 day') at time zone 'UTC'));
        execute format('alter table analytics_events detach partition %I', month_table);
        execute format('alter table %I set schema analytics_archive', month_table);
        return next month_table;
    end loop;
end
$$;
comment on function archive_analytics_partitions(date) is
    'Moves the months before the one of keep_from to the schema analytics_archive, whole and '
    'readable, and returns their names; the metrics of their days stay. A month with facts of '
    'a day that was never counted is left where it is.';

revoke execute on function facts_are_archived(date), aggregate_daily_metrics(date) from public;
grant execute on function facts_are_archived(date), aggregate_daily_metrics(date)
    to mentora_admin;

create or replace function record_video_facts() returns trigger
    language plpgsql as
$$
declare
    heard record;
begin
    if new.processing_status = 'completed' then
        -- The recognition behind what readers see, if it is younger than what they saw.
        select version.id, version.created_at into heard
        from transcripts as published
        join transcripts as version
            on version.video_id = published.video_id
            and version.origin = 'recognised'
            and version.created_at <= published.created_at
        left join transcripts as before on before.id = old.published_transcript_id
        where published.id = new.published_transcript_id
          and (before.id is null or version.created_at > before.created_at)
        order by version.created_at desc
        limit 1;
        -- Readers may have gone back to an earlier one meanwhile, and forth again. Dated by
        -- its publication: the day of a lesson that waited for weeks is not counted again.
        if found and not exists (
            select from analytics_events
            where id = fact_id('video_processed', heard.id::text)
              and created_at >= heard.created_at
        ) then
            insert into analytics_events (id, creator_id, video_id, event_name, properties)
            values (
                fact_id('video_processed', heard.id::text), new.creator_id, new.id,
                'video_processed', jsonb_build_object('seconds', coalesce(new.duration_s, 0)));
        end if;
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
    'Writes video_processed {seconds: its length} once for each recognised version, when readers '
    'first see it or an edited form of it, or video_failed {errorCode} once a day (UTC) for each '
    'upload and reason.';
