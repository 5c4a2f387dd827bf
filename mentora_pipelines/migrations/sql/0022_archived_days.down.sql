create or replace function record_video_facts() returns trigger
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

create or replace function archive_analytics_partitions(keep_from date) returns setof text
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

drop function aggregate_daily_metrics(date);
alter function count_day(date) rename to aggregate_daily_metrics;
drop function facts_are_archived(date);
