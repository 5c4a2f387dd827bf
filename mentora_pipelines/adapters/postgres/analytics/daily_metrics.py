"""Metrics of days, counted by the server; partitions of the events. As the admin role.

Here belong the statements about them. Not here: the count itself, which is a function
of the database, so that the web application can call it too.
"""

from collections import Counter
from datetime import date
from typing import LiteralString
from uuid import UUID

from psycopg.errors import ObjectNotInPrerequisiteState
from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.analytics.metric_checks import MetricCheckRows
from mentora_pipelines.domain.analytics.daily_metrics import (
    DayCount,
    DayRange,
    Metrics,
    Period,
)
from mentora_pipelines.domain.analytics.metric_reports import REPORT_DAYS, Reach
from mentora_pipelines.errors import PermanentError

AGGREGATE = "select change from aggregate_daily_metrics(%(day)s)"

ROLL_UP = """
select * from roll_up_daily_metrics(%(first)s, %(last)s, %(period)s, %(creator_id)s)
"""

HISTORY = """
select
    metric_date as period_start, creator_id, 1 as days, active_students, sessions,
    watch_minutes, lessons_started, lessons_completed, quiz_attempts,
    quiz_average_score, quiz_pass_rate, chat_messages, achievements, new_students,
    processing_minutes, processing_failures, ai_cost_usd, malformed_events
from daily_metrics
where metric_date between %(first)s and %(last)s
order by metric_date, creator_id
"""

REACH = """
select
    creator_id,
    count(distinct student_id) filter (where metric_date > %(day)s - 7),
    count(distinct student_id)
from daily_metrics, unnest(active_student_ids) as student_id
where metric_date > %(day)s - %(days)s and metric_date <= %(day)s
group by creator_id
"""

IS_COUNTED = """
select exists (
    select from daily_metrics where metric_date = %(day)s and creator_id is null)
"""

# A watermark alone would miss what a long transaction commits after the count with an
# earlier ingested_at: so the facts are counted too, a second for a fortnight of 3M.
DUE_DAYS = """
with bounds as (
    select
        %(last)s::date as last_day,
        %(look_back)s::date as look_back,
        %(look_back)s::timestamp at time zone 'UTC' as starts,
        (%(last)s::date + 1)::timestamp at time zone 'UTC' as ends
),
first_fact as (
    select greatest(
        %(first)s::date,
        least(
            (
                select min(created_at at time zone 'UTC')::date from analytics_events
                where created_at >= %(first)s::timestamp at time zone 'UTC'
            ),
            -- Their facts may be put away.
            (select min(metric_date) from daily_metrics where metric_date >= %(first)s),
            %(last)s::date)) as day
),
days as (
    select generate_series(
        least(first_fact.day, bounds.last_day)::timestamp, bounds.last_day, '1 day'
    )::date as day
    from bounds, first_fact
),
facts as (
    select
        (created_at at time zone 'UTC')::date as day,
        count(*) as events,
        max(ingested_at) as newest_event_at
    from analytics_events, bounds
    where created_at >= bounds.starts and created_at < bounds.ends
    group by 1
),
costs as (
    select (created_at at time zone 'UTC')::date as day, sum(cost_usd) as cost_usd
    from ai_usage, bounds
    where created_at >= bounds.starts and created_at < bounds.ends
      and status <> 'reserved'
    group by 1
)
select days.day
from days
cross join bounds
left join daily_metrics as stored
    on stored.metric_date = days.day and stored.creator_id is null
left join facts on facts.day = days.day
left join costs on costs.day = days.day
where not facts_are_archived(days.day)
  and (
      stored.id is null
      or days.day >= bounds.look_back
      and (stored.events, stored.newest_event_at, stored.ai_cost_usd)
        is distinct from (
            coalesce(facts.events, 0), facts.newest_event_at,
            coalesce(costs.cost_usd, 0)))
order by days.day
"""

MAKE_PARTITIONS = "select create_analytics_partitions(%(first_month)s, %(months)s)"

ARCHIVE_PARTITIONS: LiteralString = """
select month_table from archive_analytics_partitions(%(keep_from)s) as month_table
"""


class PostgresMetrics(MetricCheckRows):
    """Satisfies `MetricsStore`, `MetricsHistory` and `EventPartitions`."""

    def aggregate(self, day: date) -> DayCount:
        """Count the facts of a day and replace its rows; equal rows are not written."""
        try:
            with self._database.transaction() as connection:
                rows = connection.execute(AGGREGATE, {"day": day}).fetchall()
        except PermanentError as error:
            if isinstance(error.__cause__, ObjectNotInPrerequisiteState):
                return DayCount(day, facts_archived=True)
            raise
        changes = Counter(str(change) for (change,) in rows)
        return DayCount(
            day,
            inserted=changes["inserted"],
            updated=changes["updated"],
            deleted=changes["deleted"],
            unchanged=changes["unchanged"],
        )

    def due_days(self, *, first: date, last: date, look_back: date) -> list[date]:
        """The days to count between `first` and `last`, in order."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                DUE_DAYS, {"first": first, "last": last, "look_back": look_back}
            ).fetchall()
        return [day for (day,) in rows]

    def is_counted(self, day: date) -> bool:
        """Whether the day has its metrics."""
        with self._database.transaction() as connection:
            return connection.execute(IS_COUNTED, {"day": day}).fetchone() == (True,)

    def metrics(
        self, days: DayRange, period: Period, creator_id: UUID | None
    ) -> list[Metrics]:
        """The metrics of each period, oldest first; None: the platform's."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(Metrics)) as cursor,
        ):
            return cursor.execute(
                ROLL_UP,
                {
                    "first": days.first,
                    "last": days.last,
                    "period": period.value,
                    "creator_id": creator_id,
                },
            ).fetchall()

    def history(self, days: DayRange) -> list[Metrics]:
        """Each counted day of each creator and of the platform (None)."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(Metrics)) as cursor,
        ):
            return cursor.execute(
                HISTORY, {"first": days.first, "last": days.last}
            ).fetchall()

    def reach(self, day: date) -> dict[UUID | None, Reach]:
        """Each creator's and the platform's (None) students of one and four weeks."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                REACH, {"day": day, "days": REPORT_DAYS}
            ).fetchall()
        return {creator: Reach(week, weeks) for creator, week, weeks in rows}

    def make_partitions(self, first_month: date, months: int) -> int:
        """Make those that are missing, with their rows of the default partition."""
        with self._database.transaction() as connection:
            row = connection.execute(
                MAKE_PARTITIONS, {"first_month": first_month, "months": months}
            ).fetchone()
        return 0 if row is None else int(row[0])

    def archive_partitions(self, keep_from: date) -> list[str]:
        """Put away the months before; whole, readable, never dropped."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                ARCHIVE_PARTITIONS, {"keep_from": keep_from}
            ).fetchall()
        return [str(name) for (name,) in rows]
