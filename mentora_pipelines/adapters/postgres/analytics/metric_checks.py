"""Metrics of a day read back: against their facts, and against what can be.

Here belong the statements that doubt a count. Not here: the count.
"""

from datetime import date

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.analytics.daily_metrics import Difference

# Written as a person would count, not as the function does. What came in since the
# count is left to the look-back.
DIFFERENCES = """
with platform as (
    select newest_event_at
    from daily_metrics where metric_date = %(day)s and creator_id is null
),
sent as (
    select
        creator_id, student_id, event_name,
        case when event_name in ('lesson_watched', 'video_processed')
              and jsonb_typeof(properties -> 'seconds') = 'number'
            then (properties ->> 'seconds')::numeric
        end as seconds,
        case when jsonb_typeof(properties -> 'score') = 'number'
            then (properties ->> 'score')::numeric
        end as score,
        case when jsonb_typeof(properties -> 'maxScore') = 'number'
            then (properties ->> 'maxScore')::numeric
        end as most,
        case when jsonb_typeof(properties -> 'passed') = 'boolean'
            then (properties ->> 'passed')::boolean::integer
        end as passed
    from analytics_events, platform
    where created_at >= %(day)s::timestamp at time zone 'UTC'
      and created_at < (%(day)s + 1)::timestamp at time zone 'UTC'
      and ingested_at <= newest_event_at
),
booked as (
    select
        creator_id, student_id, event_name,
        case when seconds between 0 and 86400 then seconds end as seconds,
        case when event_name = 'quiz_attempted' and passed is not null
              and most > 0 and most <= 1000000 and score between 0 and most
            then score / most
        end as share,
        passed,
        null::numeric as cost_usd
    from sent
    union all
    select creator_id, null, null, null, null, null, cost_usd
    from ai_usage, platform
    where created_at >= %(day)s::timestamp at time zone 'UTC'
      and created_at < (%(day)s + 1)::timestamp at time zone 'UTC'
      and status <> 'reserved'
),
counted as (
    select
        creator_id,
        grouping(creator_id) = 1 as of_platform,
        count(event_name) as events,
        count(distinct student_id) filter (
            where event_name <> 'student_joined'
              and event_name <> 'achievement_unlocked') as active_students,
        count(*) filter (where event_name = 'session_started') as sessions,
        sum(seconds) filter (where event_name = 'lesson_watched') / 60
            as watch_minutes,
        count(*) filter (where event_name = 'lesson_started') as lessons_started,
        count(*) filter (where event_name = 'lesson_completed') as lessons_completed,
        count(share) as quiz_attempts,
        avg(share) as quiz_average_score,
        avg(passed) filter (where share is not null) as quiz_pass_rate,
        count(*) filter (where event_name = 'chat_message_sent') as chat_messages,
        count(*) filter (where event_name = 'achievement_unlocked') as achievements,
        count(*) filter (where event_name = 'student_joined') as new_students,
        sum(seconds) filter (where event_name = 'video_processed') / 60
            as processing_minutes,
        count(*) filter (where event_name = 'video_failed') as processing_failures,
        sum(cost_usd) as ai_cost_usd,
        count(*) filter (
            where share is null and event_name = 'quiz_attempted'
               or seconds is null
              and event_name in ('lesson_watched', 'video_processed')
        ) as malformed_events
    from booked
    group by grouping sets ((creator_id), ())
),
stored as (
    select *, creator_id is null as of_platform
    from daily_metrics where metric_date = %(day)s
)
select
    coalesce(stored.creator_id, counted.creator_id) as creator_id,
    metric.name as metric,
    trim_scale(round(metric.stored, 6)) as stored,
    trim_scale(round(metric.counted, 6)) as counted
from stored
full join counted
    on counted.of_platform = stored.of_platform
    and coalesce(counted.creator_id::text, '') = coalesce(stored.creator_id::text, '')
cross join lateral (
    values
        ('events', stored.events::numeric, counted.events::numeric),
        ('active_students', stored.active_students, counted.active_students),
        ('sessions', stored.sessions, counted.sessions),
        ('watch_minutes', stored.watch_minutes::numeric, counted.watch_minutes),
        ('lessons_started', stored.lessons_started, counted.lessons_started),
        ('lessons_completed', stored.lessons_completed, counted.lessons_completed),
        ('quiz_attempts', stored.quiz_attempts, counted.quiz_attempts),
        ('quiz_average_score',
            stored.quiz_average_score::numeric, counted.quiz_average_score),
        ('quiz_pass_rate', stored.quiz_pass_rate::numeric, counted.quiz_pass_rate),
        ('chat_messages', stored.chat_messages, counted.chat_messages),
        ('achievements', stored.achievements, counted.achievements),
        ('new_students', stored.new_students, counted.new_students),
        ('processing_minutes',
            stored.processing_minutes::numeric, counted.processing_minutes),
        ('processing_failures',
            stored.processing_failures, counted.processing_failures),
        ('ai_cost_usd', stored.ai_cost_usd, counted.ai_cost_usd),
        ('malformed_events', stored.malformed_events, counted.malformed_events)
) as metric (name, stored, counted)
-- A double has fifteen digits; no sum of a day needs more than six of them.
where abs(coalesce(metric.stored, 0) - coalesce(metric.counted, 0))
    > 0.000001 * greatest(1, metric.counted)
  -- Facts of nobody, and of creators who are gone, count for the platform alone.
  and (
      stored.id is not null
      or exists (select from creators where creators.id = counted.creator_id))
  -- Of a month that was put away there is nothing to compare with.
  and not facts_are_archived(%(day)s)
order by 1, 2
"""

IMPOSSIBLE_VALUES = """
select coalesce(creator_id::text, 'platform') || ': ' || rule.broken
from daily_metrics
cross join lateral (
    values
        ('a number is negative', least(
            active_students, sessions, lessons_started, lessons_completed,
            quiz_attempts, chat_messages, achievements, new_students,
            processing_failures, events, malformed_events) < 0
            or least(watch_minutes, processing_minutes) < 0 or ai_cost_usd < 0),
        ('a score or rate is not between 0 and 1',
            quiz_average_score not between 0 and 1
            or quiz_pass_rate not between 0 and 1),
        ('a score or rate without an attempt, or an attempt without them',
            (quiz_attempts = 0) <> (quiz_average_score is null)
            or (quiz_attempts = 0) <> (quiz_pass_rate is null)),
        ('a number is not finite', watch_minutes = 'infinity' or watch_minutes = 'nan'
            or processing_minutes = 'infinity' or processing_minutes = 'nan'),
        ('somebody watched without being active',
            watch_minutes > 0 and active_students = 0 and creator_id is not null),
        ('more students than facts', active_students > events),
        ('more counted than there are facts',
            sessions + lessons_started + lessons_completed + quiz_attempts
            + chat_messages + achievements + new_students + processing_failures
            + malformed_events > events),
        ('the creators have more than the platform', creator_id is null and exists (
            select from daily_metrics as creators
            where creators.metric_date = daily_metrics.metric_date
              and creators.creator_id is not null
            having sum(creators.events) > daily_metrics.events
                or sum(creators.ai_cost_usd) > daily_metrics.ai_cost_usd))
) as rule (broken, holds)
where metric_date = %(day)s and rule.holds
order by 1
"""


class MetricCheckRows(Rows):
    """The part of `MetricsStore` that checks ask."""

    def differences(self, day: date) -> list[Difference]:
        """Numbers that other statements over the facts do not confirm."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(Difference)) as cursor,
        ):
            return cursor.execute(DIFFERENCES, {"day": day}).fetchall()

    def impossible_values(self, day: date) -> list[str]:
        """What cannot be of the stored numbers, each as `creator: rule`."""
        with self._database.transaction() as connection:
            rows = connection.execute(IMPOSSIBLE_VALUES, {"day": day}).fetchall()
        return [str(told) for (told,) in rows]
