"""The metrics of a day: one counted pass against scans, and against pandas.

`python -m benchmarks.daily_metrics [EVENTS]` (1,000,000 by default): the events of
fifty days, so one day is 2 %. Compared, per creator, for one day and for thirty:

- ours: `aggregate_daily_metrics` as the schedule calls it, all its numbers and the rows
  it writes included; then the same again, when nothing has changed;
- seven scans: a statement for each of seven metrics, on a table without an index;
- one scan: the seven in one statement with count(distinct), on the same table;
- pandas: a scan for each day that fetches its rows, then groupby. A fetched row takes
  about a kilobyte, so nobody fetches thirty days at once.

Thirty days are thirty calls of ours, and one statement grouped by day for the scans.
Every number of every day and creator must be the same in all of them. A statement has
one process: with parallel workers a scan takes all cores of the machine, and its
seconds say less about what it costs. Prints seconds (medians of the tries) and ratios.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import LiteralString, TypeAlias

import psycopg
from psycopg.types.json import set_json_loads

from benchmarks.scratch_database import ScratchDatabase, scratch_database

DAYS = 50
CREATORS = 200
STUDENTS = 100_000
ACTIVE_SHARE = 10
"""A tenth of the students is active on a day, with some ten events each at 10M."""

TRIES = 5

FIRST_DAY = date(2026, 3, 1)

Numbers: TypeAlias = dict[tuple[date, str], tuple[object, ...]]

MAKE_CREATORS = """
insert into creators (id, email)
select md5('creator ' || n)::uuid, n || '@tests.example'
from generate_series(0, %(creators)s - 1) as n
"""

# Properties as a web application sends them: 160 bytes, one or two values counted.
# Seconds and points are whole or eighths, which a double holds exactly: pandas adds
# doubles, and must come to the same digit.
MAKE_FIRST_DAY = """
insert into analytics_events (
    id, creator_id, student_id, video_id, event_name, created_at, ingested_at,
    properties)
select
    gen_random_uuid(),
    md5('creator ' || student %% %(creators)s)::uuid,
    md5('student ' || student)::uuid,
    md5('video ' || n %% 1000)::uuid,
    name,
    moment,
    moment + interval '1 second',
    jsonb_build_object(
        'sessionId', md5('session ' || student), 'device', 'desktop',
        'app', 'web 3.12.0')
    || case name
        when 'lesson_watched' then jsonb_build_object(
            'seconds', (n * 7) %% 600, 'positionS', n %% 3600, 'speed', 1.25)
        when 'quiz_attempted' then jsonb_build_object(
            'quizId', md5('quiz ' || n %% 1000)::uuid, 'score', n %% 9, 'maxScore', 8,
            'passed', n %% 9 >= 5)
        else jsonb_build_object('path', '/courses/plants/lessons/' || n %% 1000)
    end
from generate_series(0, %(events)s / %(days)s - 1) as n
cross join lateral (
    select
        %(first_day)s::timestamp at time zone 'UTC'
            + n * (interval '1 day' * %(days)s / %(events)s) as moment,
        (hashint8(n)::bigint + 2147483648) %% (%(students)s / %(share)s) as student,
        (array['lesson_watched', 'lesson_watched', 'lesson_watched', 'lesson_started',
            'session_started', 'lesson_watched', 'chat_message_sent', 'page_viewed',
            'lesson_completed', 'quiz_attempted'])[1 + (n * 31 + n / 10) %% 10] as name
) as fact
"""

# Making an event takes longer than copying one.
MAKE_NEXT_DAY = """
insert into analytics_events (
    id, creator_id, student_id, video_id, event_name, created_at, ingested_at,
    properties)
select
    gen_random_uuid(), creator_id, student_id, video_id, event_name,
    created_at + interval '1 day' * %(number)s,
    ingested_at + interval '1 day' * %(number)s,
    properties
from analytics_events
where created_at >= %(starts)s and created_at < %(ends)s
"""

# The same rows without an index and without what is ours to make a count fast;
# unlogged, which no reader notices.
PLAIN = """
create unlogged table plain as
select
    id, creator_id, student_id, video_id, event_name, properties, created_at,
    ingested_at
from analytics_events
"""

WHERE: LiteralString = """
from plain
where created_at >= %(starts)s and created_at < %(ends)s
"""
BY: LiteralString = "group by 1, 2"
KEY: LiteralString = "select (created_at at time zone 'UTC')::date, creator_id::text, "

SEVEN: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("count(distinct student_id)", ""),
    ("count(*)", "and event_name = 'session_started'"),
    (
        "sum((properties ->> 'seconds')::numeric)::double precision / 60",
        "and event_name = 'lesson_watched'",
    ),
    ("count(*)", "and event_name = 'lesson_started'"),
    ("count(*)", "and event_name = 'lesson_completed'"),
    (
        (
            "avg((properties ->> 'score')::numeric "
            "/ (properties ->> 'maxScore')::numeric)::double precision"
        ),
        "and event_name = 'quiz_attempted'",
    ),
    ("count(*)", "and event_name = 'chat_message_sent'"),
)
"""Seven metrics: what is counted, and of which events."""

ONE_SCAN: LiteralString = """
    count(distinct student_id),
    count(*) filter (where event_name = 'session_started'),
    sum((properties ->> 'seconds')::numeric)
        filter (where event_name = 'lesson_watched')::double precision / 60,
    count(*) filter (where event_name = 'lesson_started'),
    count(*) filter (where event_name = 'lesson_completed'),
    (avg((properties ->> 'score')::numeric / (properties ->> 'maxScore')::numeric)
        filter (where event_name = 'quiz_attempted'))::double precision,
    count(*) filter (where event_name = 'chat_message_sent')
"""

FETCH: LiteralString = """
select created_at, creator_id::text, student_id::text, event_name, properties
"""

OURS = "select count(*) from aggregate_daily_metrics(%(day)s)"
FORGET = "delete from daily_metrics"
STORED = """
select
    metric_date, creator_id::text, active_students, sessions, watch_minutes,
    lessons_started, lessons_completed, quiz_average_score, chat_messages
from daily_metrics
where creator_id is not null and metric_date between %(first)s and %(last)s
"""

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


def fill(database: ScratchDatabase, events: int) -> None:
    """Write the events of fifty days, in the order of time as they would come."""
    parameters = {
        "creators": CREATORS,
        "students": STUDENTS,
        "share": ACTIVE_SHARE,
        "days": DAYS,
        "events": events,
        "first_day": FIRST_DAY,
    }
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("select create_analytics_partitions(%s, 2)", [FIRST_DAY])
        connection.execute(MAKE_CREATORS, parameters)
        connection.execute("set timezone to 'UTC'")
        connection.execute("set synchronous_commit to off")
        connection.execute(MAKE_FIRST_DAY, parameters)
        for number in range(1, DAYS):
            connection.execute(
                MAKE_NEXT_DAY, {**bounds(FIRST_DAY, 1), "number": number}
            )
        connection.execute(PLAIN)
        connection.execute("vacuum analyze analytics_events, plain")


def bounds(first: date, days: int) -> dict[str, datetime]:
    """The first moment of `days` days, and the one after them."""
    starts = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return {"starts": starts, "ends": starts + timedelta(days=days)}


def seven_scans(connection: Connection, first: date, days: int) -> Numbers:
    """A statement for each metric."""
    found: list[dict[tuple[date, str], object]] = []
    for counted, which in SEVEN:
        rows = connection.execute(
            f"{KEY}{counted}{WHERE}{which} {BY}", bounds(first, days)
        ).fetchall()
        found.append({(day, creator): value for day, creator, value in rows})  # type: ignore[misc]  # the types of the statement
    empty = (0, 0, 0, 0, 0, None, 0)
    return {
        key: tuple(
            numbers.get(key, nothing)
            for numbers, nothing in zip(found, empty, strict=True)
        )
        for key in found[0]
    }


def one_scan(connection: Connection, first: date, days: int) -> Numbers:
    """The seven in one statement."""
    rows = connection.execute(f"{KEY}{ONE_SCAN}{WHERE}{BY}", bounds(first, days))
    return as_numbers(rows.fetchall())


def with_pandas(connection: Connection, first: date, days: int) -> Numbers:
    """The rows of one day after another fetched, then grouped."""
    found: Numbers = {}
    for number in range(days):
        found |= _day_with_pandas(connection, first + timedelta(days=number))
    return found


def _day_with_pandas(connection: Connection, day: date) -> Numbers:
    import pandas as pd

    rows = connection.execute(f"{FETCH}{WHERE}", bounds(day, 1)).fetchall()
    frame = pd.DataFrame(
        rows, columns=["created_at", "creator", "student", "name", "properties"]
    )
    frame["day"] = pd.to_datetime(frame["created_at"], utc=True).dt.date
    key = ["day", "creator"]
    watched = frame[frame["name"] == "lesson_watched"].copy()
    watched["seconds"] = [float(p["seconds"]) for p in watched["properties"]]
    quizzes = frame[frame["name"] == "quiz_attempted"].copy()
    quizzes["share"] = [p["score"] / p["maxScore"] for p in quizzes["properties"]]
    counts = frame.groupby([*key, "name"]).size().unstack(fill_value=0)
    table = pd.DataFrame({"students": frame.groupby(key)["student"].nunique()})
    table["sessions"] = counts["session_started"]
    table["watch"] = watched.groupby(key)["seconds"].sum() / 60
    table["started"] = counts["lesson_started"]
    table["completed"] = counts["lesson_completed"]
    table["score"] = quizzes.groupby(key)["share"].mean()
    table["chat"] = counts["chat_message_sent"]
    return as_numbers(
        [
            (day, creator, *(None if pd.isna(value) else value for value in row))
            for (day, creator), row in zip(
                table.index, table.itertuples(index=False), strict=True
            )
        ]
    )


def ours(connection: Connection, first: date, days: int) -> None:
    """Count the days as the schedule does, each in its transaction."""
    for number in range(days):
        day = first + timedelta(days=number)
        connection.execute(OURS, {"day": day}).fetchall()


def stored(connection: Connection, first: date, days: int) -> Numbers:
    """What ours has written."""
    last = first + timedelta(days=days - 1)
    rows = connection.execute(STORED, {"first": first, "last": last})
    return as_numbers(rows.fetchall())


def as_numbers(rows: list[tuple[object, ...]]) -> Numbers:
    """Rows by day and creator; what was never done is 0, except a score."""
    return {
        (row[0], row[1]): tuple(  # type: ignore[misc]  # the types of the statement
            value if value is not None or place == 5 else 0
            for place, value in enumerate(row[2:])
        )
        for row in rows
    }


def measure(connection: Connection, first: date, days: int, tries: int) -> None:
    """Run every way, compare the numbers, print the figures."""
    ways: dict[str, Callable[[Connection, date, int], Numbers | None]] = {
        "ours, first count": ours,
        "ours, again": ours,
        "one scan": one_scan,
        "seven scans": seven_scans,
        "pandas": with_pandas,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, Numbers] = {}
    # Interleaved, so that a noisy minute meets all of them.
    for _ in range(tries):
        for name, way in ways.items():
            if name == "ours, first count":
                connection.execute(FORGET)
            started = time.perf_counter()
            answer = way(connection, first, days)
            seconds[name].append(time.perf_counter() - started)
            if answer is not None:
                answers[name] = answer
    answers["ours"] = stored(connection, first, days)
    for name, answer in answers.items():
        assert answer == answers["ours"], f"{name} counts differently"
    show(f"{days} day(s), {len(answers['ours'])} rows, numbers equal", seconds)


def show(title: str, seconds: Mapping[str, list[float]]) -> None:
    """Medians, and how many times ours."""
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    own = medians["ours, first count"]
    print(title)
    for name, median in medians.items():
        print(f"  {name:18} {median:8.3f} s {median / own:7.1f}x")


def main(events: int) -> None:
    """Fill a database of its own and measure one day and thirty."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(Path(folder) / "server") as database,
    ):
        started = time.perf_counter()
        fill(database, events)
        print(f"{events:,} events written in {time.perf_counter() - started:.0f} s")
        with psycopg.connect(database.admin_url, autocommit=True) as connection:
            set_json_loads(loads_json, connection)
            connection.execute("set timezone to 'UTC'")
            connection.execute("set max_parallel_workers_per_gather = 0")
            few = TRIES if events <= 2_000_000 else 3
            measure(connection, FIRST_DAY + timedelta(days=35), 1, few)
            measure(connection, FIRST_DAY + timedelta(days=10), 30, 1)


def loads_json(text: str | bytes) -> object:
    """The standard library's parser, as pandas users have it."""
    import json

    return json.loads(text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
