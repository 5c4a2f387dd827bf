"""Weeks, months and the partitions beneath."""

from datetime import UTC, date, datetime
from uuid import uuid4

from mentora_pipelines.adapters.postgres.analytics.daily_metrics import PostgresMetrics
from mentora_pipelines.domain.analytics.daily_metrics import (
    DayCount,
    DayRange,
    Period,
)
from mentora_pipelines.domain.analytics.event_partitions import maintain_partitions
from mentora_pipelines.domain.analytics.metric_reports import Reach
from mentora_pipelines.services import DatabaseUrls
from tests.analytics.conftest import Facts
from tests.schema.catalog import open_tables

ARCHIVED = """
select table_name from information_schema.tables
where table_schema = 'analytics_archive' order by 1
"""


def test_a_student_counts_once_a_week_and_once_a_month(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else one faithful student looks like seven."""
    ada, bob, eve = facts.creator(), facts.creator(), uuid4()
    # A Saturday, the Monday after it, and the first of the next month.
    for day in ("2026-02-28", "2026-03-02", "2026-03-03"):
        facts.add("session_started", f"{day}T12:00:00Z", ada, eve)
        facts.add("session_started", f"{day}T12:00:00Z", ada, uuid4())
        facts.add("session_started", f"{day}T12:00:00Z", bob, uuid4())
        metrics.aggregate(date.fromisoformat(day))
    days = DayRange(date(2026, 2, 1), date(2026, 3, 31))

    def told(period: Period, creator: object = None) -> list[tuple[object, ...]]:
        rows = metrics.metrics(days, period, creator)  # type: ignore[arg-type]  # a UUID or None
        return [
            (str(row.period_start), row.days, row.active_students, row.sessions)
            for row in rows
        ]

    assert told(Period.WEEK, ada) == [("2026-02-23", 1, 2, 2), ("2026-03-02", 2, 3, 4)]
    assert told(Period.MONTH, ada) == [("2026-02-01", 1, 2, 2), ("2026-03-01", 2, 3, 4)]
    assert told(Period.MONTH) == [("2026-02-01", 1, 3, 3), ("2026-03-01", 2, 5, 6)]
    assert [row[2] for row in told(Period.DAY, ada)] == [2, 2, 2]
    assert metrics.reach(date(2026, 3, 3)) == {
        ada: Reach(4, 4), bob: Reach(3, 3), None: Reach(7, 7),
    }  # fmt: skip


def test_a_rate_is_weighed_by_its_attempts(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else a day with one attempt moves the week as much as a day with a thousand."""
    creator = facts.creator()
    for day, passed in (("02", True), ("03", False), ("03", False), ("03", False)):
        facts.add(
            "quiz_attempted", f"2026-03-{day}T12:00:00Z", creator, uuid4(),
            score=int(passed), maxScore=1, passed=passed,
        )  # fmt: skip
    for number in (2, 3, 4):
        metrics.aggregate(date(2026, 3, number))
    days = DayRange(date(2026, 3, 2), date(2026, 3, 8))
    (week,) = metrics.metrics(days, Period.WEEK, creator)
    assert (week.quiz_attempts, week.quiz_pass_rate) == (4, 0.25)
    assert week.quiz_average_score == 0.25
    (platform,) = metrics.metrics(days, Period.WEEK, None)
    assert (platform.days, platform.quiz_pass_rate) == (3, 0.25)


def test_months_are_made_ahead_and_old_ones_put_away_whole(
    facts: Facts, metrics: PostgresMetrics, metrics_urls: DatabaseUrls
) -> None:
    """Else the default partition grows for ever, or facts are dropped unseen."""
    assert metrics_urls.embedded
    creator, day = facts.creator(), date(2031, 1, 15)
    facts.add("session_started", "2031-01-15T12:00:00Z", creator, uuid4())
    facts.add("session_started", "2031-03-15T12:00:00Z", creator, uuid4())
    for year, month in ((2031, 3), (2031, 3), (2031, 6)):
        changes = maintain_partitions(
            metrics, now=datetime(year, month, 9, tzinfo=UTC), retention_months=None
        )
        assert changes.archived == ()
    assert changes.made == 3
    assert metrics.aggregate(day) == DayCount(day, inserted=2)
    before = facts.rows()
    uncounted = date(2031, 1, 16)
    facts.add("session_started", "2031-01-16T12:00:00Z", creator, uuid4())

    def retire() -> tuple[str, ...]:
        now = datetime(2031, 6, 9, tzinfo=UTC)
        return maintain_partitions(metrics, now=now, retention_months=4).archived

    # Those around today, which the migration has made, are older still.
    archived = retire()
    assert "analytics_events_2031_01" not in archived, "a day of it is not counted"
    metrics.aggregate(uncounted)
    archived += retire()
    assert archived[-1] == "analytics_events_2031_01"
    assert retire() == ()
    assert metrics.make_partitions(day, 1) == 0, "it is there, elsewhere"
    found = facts.connection.execute(ARCHIVED).fetchall()
    assert tuple(name for (name,) in found) == archived
    kept = "select count(*) from analytics_archive.analytics_events_2031_01"
    assert facts.connection.execute(kept).fetchone() == (2,)
    assert metrics.aggregate(day) == DayCount(day, facts_archived=True)
    facts.connection.execute(
        "delete from daily_metrics where metric_date = %s", [uncounted]
    )
    assert metrics.aggregate(uncounted) == DayCount(uncounted, facts_archived=True)
    assert facts.rows() == before, "a day that is forgotten is not counted to nothing"
    assert metrics.due_days(first=day, last=uncounted, look_back=uncounted) == []
    assert open_tables(facts.connection) == []
    assert metrics.differences(day) == [], "nothing is there to compare with"
    # A fact that comes later still is kept, and does not replace those put away.
    facts.add("session_started", "2031-01-15T13:00:00Z", creator, uuid4())
    facts.connection.execute("truncate analytics_archive.analytics_events_2031_01")
    assert metrics.aggregate(day).facts_archived
