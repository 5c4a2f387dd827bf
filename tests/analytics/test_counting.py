import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from mentora_pipelines.adapters.postgres.analytics.daily_metrics import PostgresMetrics
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.domain.analytics.daily_metrics import (
    DayCount,
    DayRange,
    due_ranges,
    unconfirmed,
)
from mentora_pipelines.services import DatabaseUrls
from tests.analytics.conftest import AsCreator, Facts

DAY = date(2026, 3, 29)
"""The day on which Europe's clocks went forward."""

NOON = "2026-03-29T12:00:00Z"


def test_each_number_comes_from_its_events(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else the analyst's chart has another meaning than its title."""
    creator, eve, max_ = facts.creator(), uuid4(), uuid4()
    facts.add("session_started", NOON, creator, eve)
    facts.add("session_started", NOON, creator, max_)
    facts.add("lesson_started", NOON, creator, eve)
    facts.add("lesson_watched", NOON, creator, eve, seconds=90)
    facts.add("lesson_watched", NOON, creator, max_, seconds=0.5)
    facts.add("lesson_completed", NOON, creator, eve)
    facts.add("quiz_attempted", NOON, creator, eve, score=3, maxScore=4, passed=True)
    facts.add("quiz_attempted", NOON, creator, eve, score=1, maxScore=4, passed=False)
    facts.add("chat_message_sent", NOON, creator, eve)
    facts.add("achievement_unlocked", NOON, creator, uuid4())
    facts.add("student_joined", NOON, creator, uuid4())
    facts.add("video_processed", NOON, creator, seconds=120)
    facts.add("video_failed", NOON, creator, seconds=60)
    facts.add("page_viewed", NOON, creator, uuid4())
    facts.add("slow_query", NOON, None)
    facts.cost(NOON, creator, "0.25")
    facts.cost(NOON, None, "0.5")
    assert metrics.aggregate(DAY) == DayCount(DAY, inserted=2)
    names = (
        "active_students", "sessions", "watch_minutes", "lessons_started",
        "lessons_completed", "quiz_attempts", "quiz_average_score", "quiz_pass_rate",
        "chat_messages", "achievements", "new_students", "processing_minutes",
        "processing_failures", "malformed_events",
    )  # fmt: skip
    expected = (3, 2, 90.5 / 60, 1, 1, 2, 0.5, 0.5, 1, 1, 1, 2.0, 1, 0)
    assert facts.numbers(DAY, creator, *names) == expected
    assert facts.numbers(DAY, None, *names) == expected
    assert facts.numbers(DAY, creator, "events", "ai_cost_usd") == (14, Decimal("0.25"))
    assert facts.numbers(DAY, None, "events", "ai_cost_usd") == (15, Decimal("0.75"))


def test_a_day_without_events_is_counted_too(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else a quiet Sunday looks like a night that was missed."""
    assert metrics.aggregate(DAY) == DayCount(DAY, inserted=1)
    names = ("active_students", "quiz_attempts", "quiz_pass_rate", "ai_cost_usd")
    assert facts.numbers(DAY, None, *names) == (0, 0, None, 0)
    assert metrics.is_counted(DAY)
    assert not metrics.is_counted(DAY + timedelta(days=1))


def test_a_second_count_leaves_no_trace(facts: Facts, metrics: PostgresMetrics) -> None:
    """Else every re-run rewrites history, and readers see rows change for nothing."""
    creators = [facts.creator() for _ in range(3)]
    for number in range(60):
        creator = creators[number % 3]
        facts.add("lesson_watched", NOON, creator, uuid4(), seconds=number / 7)
        facts.add(
            "quiz_attempted", NOON, creator, uuid4(),
            score=number % 4, maxScore=3, passed=False,
        )  # fmt: skip
    metrics.aggregate(DAY)
    before = facts.rows()
    # Other places in the table: no sum may depend on the order of its rows.
    facts.connection.execute("update analytics_events set properties = properties")
    facts.connection.execute("cluster analytics_events using analytics_events_pkey")
    assert metrics.aggregate(DAY) == DayCount(DAY, unchanged=4)
    assert facts.rows() == before


def test_a_late_event_changes_its_day_only(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else a phone that was offline changes other days, or is never counted."""
    ada, bob = facts.creator(), facts.creator()
    for day in ("28", "29", "30"):
        for creator in (ada, bob):
            facts.add("session_started", f"2026-03-{day}T12:00:00Z", creator, uuid4())
        metrics.aggregate(date(2026, 3, int(day)))
    before = facts.rows()
    now = datetime(2026, 3, 31, 2, tzinfo=UTC)
    assert due_ranges(metrics, now=now, look_back_days=14) == []

    facts.add("session_started", NOON, ada, uuid4())
    assert due_ranges(metrics, now=now, look_back_days=14) == [DayRange(DAY, DAY)]
    assert metrics.aggregate(DAY) == DayCount(DAY, updated=2, unchanged=1)
    after = facts.rows()
    changed = {key for key in before if after[key] != before[key]}
    assert changed == {(str(ada), DAY), ("platform", DAY)}
    assert facts.numbers(DAY, ada, "sessions") == (2,)
    assert due_ranges(metrics, now=now, look_back_days=14) == []
    assert due_ranges(metrics, now=now, look_back_days=1) == []


def test_what_was_written_before_the_count_and_committed_after_it_is_found(
    facts: Facts, metrics: PostgresMetrics, metrics_urls: DatabaseUrls
) -> None:
    """Else a slow transaction's events are older than the watermark, and lost."""
    creator = facts.creator()
    with psycopg.connect(metrics_urls.admin) as slow:
        Facts(slow).add("session_started", NOON, creator, uuid4())
        facts.add("session_started", NOON, creator, uuid4())
        metrics.aggregate(DAY)
        slow.commit()
    due = metrics.due_days(first=DAY, last=DAY, look_back=DAY)
    assert due == [DAY]
    assert metrics.differences(DAY) != []
    assert unconfirmed(metrics, DAY, look_back=DAY) == [], "nobody is woken"
    assert metrics.due_days(first=DAY, last=DAY, look_back=DAY) == due, (
        "rows that are counted again without their pages contradict them for ever"
    )
    after = DAY + timedelta(days=1)
    assert unconfirmed(metrics, DAY, look_back=after) != [], "nobody looks back at it"
    metrics.aggregate(DAY)
    assert facts.numbers(DAY, creator, "sessions") == (2,)


@pytest.mark.parametrize(
    "column",
    ["watch_minutes", "quiz_average_score", "quiz_pass_rate", "processing_minutes",
     "ai_cost_usd"],
)  # fmt: skip
def test_a_sum_that_the_events_do_not_confirm_is_found(
    facts: Facts, metrics: PostgresMetrics, column: LiteralString
) -> None:
    """Else the check is green over wrong minutes, and over a wrong bill."""
    creator, eve = facts.creator(), uuid4()
    facts.add("lesson_watched", NOON, creator, eve, seconds=100 / 3)
    facts.add("video_processed", NOON, creator, seconds=400 / 7)
    for score in (0, 1, 2):
        facts.add(
            "quiz_attempted", NOON, creator, eve,
            score=score, maxScore=7, passed=score == 2,
        )  # fmt: skip
    facts.cost(NOON, creator, "0.25")
    metrics.aggregate(DAY)
    assert unconfirmed(metrics, DAY, look_back=DAY) == []
    facts.connection.execute(
        sql.SQL(
            "update daily_metrics set {column} = {column} + 0.001 "
            "where creator_id is not null"
        ).format(column=sql.Identifier(column))
    )
    (found,) = unconfirmed(metrics, DAY, look_back=DAY)
    assert (found.creator_id, found.metric) == (creator, column)


def test_a_missed_week_is_found_however_long_ago_it_was(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else days are lost when the daemon stands still for longer than Dagster waits."""
    creator = facts.creator()
    for day in range(1, 29):
        facts.add("session_started", f"2026-02-{day:02}T23:30:00Z", creator, uuid4())
        if day not in range(5, 12):
            metrics.aggregate(date(2026, 2, day))
    now = datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert due_ranges(metrics, now=now, look_back_days=1) == [
        DayRange(date(2026, 2, 5), date(2026, 2, 11))
    ]


def test_a_new_platform_has_one_day_to_count(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else the first night counts years without an event."""
    assert facts.rows() == {}
    now = datetime(2026, 3, 30, 2, tzinfo=UTC)
    assert due_ranges(metrics, now=now, look_back_days=14) == [DayRange(DAY, DAY)]


CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
]
"""Where and when the clocks change: an hour forward, an hour and half an hour back."""


@pytest.fixture
def host_lives_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this process, and connections that it opens then, to a time zone."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("PGTZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_a_night_counts_the_same_day_wherever_the_host_is(
    facts: Facts,
    metrics_urls: DatabaseUrls,
    host_lives_in: Callable[[str], None],
    zone: str,
    day: date,
) -> None:
    """Else around the change a night counts another day, or none, or one twice."""
    host_lives_in(zone)
    creator = facts.creator()
    for offset in range(-1, 3):
        for hour in range(24):
            at = f"{day + timedelta(days=offset)}T{hour:02}:30:00Z"
            facts.add("session_started", at, creator, uuid4())
    database = Database(metrics_urls.admin, "tests-zones")
    metrics = PostgresMetrics(database)
    counted = []
    # The tick at 02:00 UTC of the day, of the next one, and of the one after it.
    for offset in range(3):
        night = day + timedelta(days=offset)
        now = datetime(night.year, night.month, night.day, 2, tzinfo=UTC).astimezone()
        for due in due_ranges(metrics, now=now, look_back_days=14):
            assert due.first == due.last
            counted.append(due.last)
            metrics.aggregate(due.last)
            assert metrics.differences(due.last) == []
        assert due_ranges(metrics, now=now, look_back_days=14) == []
    database.close()
    assert counted == [day + timedelta(days=offset) for offset in (-1, 0, 1)]
    for each in counted:
        assert facts.numbers(each, creator, "sessions", "events") == (24, 24)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_a_day_is_a_day_in_utc_whatever_the_hosts_clock_shows(
    facts: Facts,
    metrics_urls: DatabaseUrls,
    host_lives_in: Callable[[str], None],
    zone: str,
    day: date,
) -> None:
    """Else twice a year a day has 23 or 25 hours, and events of a neighbour."""
    creator = facts.creator()
    for offset in (-1, 0, 1):
        at = day + timedelta(days=offset)
        facts.add("lesson_started", f"{at}T00:00:00Z", creator, uuid4())
        facts.add("lesson_completed", f"{at}T23:59:59.999999Z", creator, uuid4())
    host_lives_in(zone)
    with psycopg.connect(metrics_urls.admin, autocommit=True) as connection:
        assert connection.execute("show timezone").fetchone() == (zone,)
        for offset in (-1, 0, 1):
            connection.execute(
                "select aggregate_daily_metrics(%s)", [day + timedelta(days=offset)]
            )
    for offset in (-1, 0, 1):
        assert facts.numbers(
            day + timedelta(days=offset), creator,
            "lessons_started", "lessons_completed", "events",
        ) == (1, 1, 2)  # fmt: skip


def test_the_events_of_another_creator_never_count(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else a creator is paid, or praised, for another one's students."""
    ada, bob, shared = facts.creator(), facts.creator(), uuid4()
    for _ in range(3):
        facts.add("session_started", NOON, bob, shared)
    facts.add("session_started", NOON, ada, shared)
    metrics.aggregate(DAY)
    assert facts.numbers(DAY, ada, "sessions", "active_students") == (1, 1)
    assert facts.numbers(DAY, bob, "sessions", "active_students") == (3, 1)
    assert facts.numbers(DAY, None, "sessions", "active_students") == (4, 1)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("lesson_watched", {}),
        ("lesson_watched", {"seconds": "60"}),
        ("lesson_watched", {"seconds": -1}),
        ("lesson_watched", {"seconds": 86_401}),
        ("lesson_watched", {"seconds": {"a": [1]}}),
        ("lesson_watched", {"seconds": [60]}),
        ("lesson_watched", {"seconds": []}),
        ("lesson_watched", {"seconds": True}),
        ("quiz_attempted", {"score": 1, "passed": True}),
        ("quiz_attempted", {"score": 1, "maxScore": True, "passed": True}),
        ("quiz_attempted", {"score": "1", "maxScore": "2", "passed": True}),
        ("video_processed", {"seconds": None}),
        ("quiz_attempted", {"score": 5, "maxScore": 4, "passed": True}),
        ("quiz_attempted", {"score": -1, "maxScore": -2, "passed": True}),
        ("quiz_attempted", {"score": 0, "maxScore": 0, "passed": False}),
        ("quiz_attempted", {"score": 1, "maxScore": 2, "passed": "yes"}),
    ],
)
def test_an_impossible_value_is_left_out_and_told(
    facts: Facts,
    metrics: PostgresMetrics,
    name: str,
    properties: dict[str, object],
) -> None:
    """Else one wrong client stops the metrics of all, or bends them."""
    creator = facts.creator()
    facts.add("lesson_watched", NOON, creator, uuid4(), seconds=60)
    facts.add(
        "quiz_attempted", NOON, creator, uuid4(), score=1, maxScore=1, passed=True
    )
    facts.add(name, NOON, creator, uuid4(), **properties)
    metrics.aggregate(DAY)
    names = ("watch_minutes", "quiz_attempts", "quiz_pass_rate", "malformed_events")
    assert facts.numbers(DAY, creator, *names) == (1, 1, 1, 1)
    assert metrics.impossible_values(DAY) == []
    assert metrics.differences(DAY) == []


def test_a_creator_who_is_gone_has_no_row_but_counts_for_the_platform(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else one deleted creator stops every count, or changes the platform's past."""
    gone, stays = facts.creator(), facts.creator()
    facts.add("session_started", NOON, gone, uuid4())
    facts.add("session_started", NOON, stays, uuid4())
    metrics.aggregate(DAY)
    facts.connection.execute("delete from creators where id = %s", [gone])
    assert metrics.aggregate(DAY) == DayCount(DAY, unchanged=2)
    assert facts.numbers(DAY, None, "sessions", "active_students") == (2, 2)
    assert metrics.differences(DAY) == []


def test_a_row_without_events_any_more_is_removed(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else what was erased for a student's sake is still counted."""
    creator = facts.creator()
    facts.add("session_started", NOON, creator, uuid4())
    metrics.aggregate(DAY)
    facts.connection.execute("delete from analytics_events")
    assert metrics.aggregate(DAY) == DayCount(DAY, updated=1, deleted=1)
    assert list(facts.rows()) == [("platform", DAY)]


def test_a_cost_counts_once_it_is_settled(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else the guess before a call stands as its cost for ever."""
    facts.cost(NOON, facts.creator(), "9", status="reserved")
    metrics.aggregate(DAY)
    assert facts.numbers(DAY, None, "ai_cost_usd") == (0,)
    facts.connection.execute(
        "update ai_usage set status = 'settled', settled_at = now(), cost_usd = 1.5"
    )
    assert metrics.due_days(first=DAY, last=DAY, look_back=DAY) == [DAY]
    assert metrics.aggregate(DAY) == DayCount(DAY, inserted=1, updated=1)
    assert facts.numbers(DAY, None, "ai_cost_usd") == (Decimal("1.5"),)
    assert metrics.due_days(first=DAY, last=DAY, look_back=DAY) == []


def test_counts_of_one_day_at_once_agree(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else a backfill beside the nightly run dies, or writes an older view."""
    for _ in range(20):
        facts.add("session_started", NOON, facts.creator(), uuid4())
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(metrics.aggregate, [DAY] * 4))
    assert sorted(count.written for count in counts) == [0, 0, 0, 21]


def test_the_app_role_sees_its_creators_rows_and_counts_nothing(
    facts: Facts, metrics: PostgresMetrics, as_app: AsCreator
) -> None:
    """Else a creator reads another's numbers, or writes his own."""
    ada, bob = facts.creator(), facts.creator()
    for creator in (ada, bob):
        facts.add("session_started", NOON, creator, uuid4())
    metrics.aggregate(DAY)
    roll_up = "select creator_id from roll_up_daily_metrics(%s, %s, 'week', %s)"
    with as_app(ada) as app:
        assert app.execute("select creator_id from daily_metrics").fetchall() == [
            (ada,)
        ]
        assert app.execute(roll_up, [DAY, DAY, ada]).fetchall() == [(ada,)]
        for other in (bob, None):
            assert app.execute(roll_up, [DAY, DAY, other]).fetchall() == []
        for attempt in (
            "select aggregate_daily_metrics('2026-03-29')",
            "select count_day('2026-03-29')",
            "select facts_are_archived('2026-03-29')",
            "select sum_facts(now(), now())",
            "select active_students(now(), now())",
            "select archive_analytics_partitions('2026-03-29')",
            "update daily_metrics set sessions = 1000",
            "delete from daily_metrics",
            "select from analytics_archive.anything",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), app.transaction():
                app.execute(attempt)
    with as_app(None) as app:
        assert app.execute("select from daily_metrics").fetchall() == []
