"""What Great Expectations finds in real tables, with one fault in them at a time.

The library takes ten seconds to load: all its tests are here, in one process.
"""

import html
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import dagster as dg
import psycopg
import pytest
import sqlalchemy

from assets.analytics.table_quality import (
    a_day_is_like_others,
    stored_quizzes_are_sound,
    video_chunks_are_sound,
)
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.adapters.postgres.search.generations import GenerationRows
from mentora_pipelines.adapters.table_quality.expectations import EXPECTATIONS
from mentora_pipelines.adapters.table_quality.statements import statement
from mentora_pipelines.adapters.table_quality.validator import (
    GreatExpectationsValidator,
)
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.analytics.daily_metrics import DAY, DayRange
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf
from mentora_pipelines.domain.analytics.table_quality import (
    SLICES,
    QualityTable,
    TableQuality,
    quality_prefix,
    slice_of,
)
from mentora_pipelines.errors import PermanentError, TransientError
from mentora_pipelines.services import DatabaseUrls
from schedules.table_quality import table_quality_schedule
from tests.analytics.quality_rows import (
    COMPANIONS,
    DAYS,
    FAULTS,
    LESSON_WORD,
    TINY,
    make_healthy,
)
from tests.fix_services import PROJECT

# What the library uses of others is not ours to mend.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:great_expectations.*"
)

EVERY_FAULT = [
    (table, expectation, fault)
    for table, faults in FAULTS.items()
    for expectation, fault in faults.items()
]


@pytest.fixture(scope="module")
def database(own_urls: DatabaseUrls) -> Iterator[Database]:
    """The admin role's connections; one generation of vectors is active."""
    made = Database(own_urls.admin, "tests-quality")
    GenerationRows(made).writable_generation(TINY)
    yield made
    made.close()


@pytest.fixture(scope="module")
def validator(database: Database, own_urls: DatabaseUrls) -> GreatExpectationsValidator:
    """What production uses."""
    return GreatExpectationsValidator(database, own_urls.admin, look_back_days=14)


@pytest.fixture(scope="module")
def session(own_urls: DatabaseUrls) -> Iterator[Connection]:
    """One connection for what tests plant."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        yield connection


@pytest.fixture
def rows(session: Connection, database: Database) -> Connection:
    """Healthy rows, for a test to spoil."""
    assert database
    make_healthy(session)
    return session


def failed(found: TableQuality) -> set[str]:
    """What is not met."""
    return {finding.expectation for finding in found.failed}


def test_the_library_is_not_loaded_before_a_check_asks() -> None:
    """Else every run, every sensor tick and every command pays ten seconds for it."""
    load = (
        "import sys\n"
        "import assets.analytics.table_quality, resources.analytics\n"
        "import mentora_pipelines.adapters.table_quality.validator\n"
        "print(sorted({'great_expectations', 'sqlalchemy', 'pandas'} & {*sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", load],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.strip() == "[]"


def test_every_expectation_has_a_fault_that_is_tried() -> None:
    """Else an expectation that can never fail looks like quality."""
    assert {table: list(faults) for table, faults in FAULTS.items()} == {
        table: [expectation.sentence for expectation in expectations]
        for table, expectations in EXPECTATIONS.items()
    }


@pytest.mark.parametrize("table", QualityTable)
def test_healthy_rows_meet_every_expectation(
    table: QualityTable, rows: Connection, validator: GreatExpectationsValidator
) -> None:
    """Else a check is red each night, and nobody looks at it any more."""
    assert rows
    found = validator.validate(table, DAYS)
    assert failed(found) == set()
    assert found.rows > 0
    assert all(finding.broken == 0 for finding in found.findings)


@pytest.mark.parametrize(
    ("table", "expectation", "fault"),
    EVERY_FAULT,
    ids=[f"{table}: {expectation}" for table, expectation, _ in EVERY_FAULT],
)
def test_a_planted_fault_is_found_and_told_as_what_it_is(
    table: QualityTable,
    expectation: str,
    fault: LiteralString,
    rows: Connection,
    validator: GreatExpectationsValidator,
) -> None:
    """Else a suite is green whatever is in the table."""
    rows.execute(fault)
    found = validator.validate(table, DAYS)
    assert failed(found) == {expectation} | COMPANIONS.get(expectation, set())
    (finding,) = (one for one in found.failed if one.expectation == expectation)
    assert 0 < finding.broken <= finding.rows
    assert 0 < len(finding.examples) <= 5


def test_an_empty_platform_is_no_fault(
    rows: Connection, validator: GreatExpectationsValidator
) -> None:
    """Else the first weeks of a platform are red."""
    rows.execute("truncate creators, analytics_events, daily_metrics cascade")
    for table in QualityTable:
        found = validator.validate(table, DAYS)
        assert (failed(found), found.rows) == (set(), 0)


def test_an_old_lesson_is_looked_at_once_in_a_turn(rows: Connection) -> None:
    """Else what spoils after its day is never seen, or a night costs everything."""
    rows.execute("update videos set processed_at = '2026-01-01'")
    seen = []
    for number in range(SLICES):
        days = DayRange(DAYS.first + number * DAY, DAYS.last + number * DAY)
        query = statement(QualityTable.VIDEO_CHUNKS, days, look_back_days=14)
        seen += rows.execute(query).fetchall()
    assert len(seen) == len({row[0] for row in seen}) == 12


def test_where_there_is_no_room_for_all_each_has_its_turn(rows: Connection) -> None:
    """Else of a large platform the same lessons are looked at for ever."""

    def lessons(number: int, max_lessons: int) -> frozenset[str]:
        days = DayRange(DAYS.first + number * DAY, DAYS.last + number * DAY)
        query = statement(
            QualityTable.TRANSCRIPTS,
            days,
            look_back_days=14,
            max_lessons=max_lessons,
        )
        return frozenset(row[0] for row in rows.execute(query).fetchall())

    rows.execute("update videos set processed_at = '2030-01-01'")
    looks = [lessons(number, 1) for number in range(SLICES)]
    assert [len(look) for look in looks] == [1] * SLICES
    assert len(frozenset().union(*looks)) == 3
    # Two are published anew; the third is of this day's slice.
    third = "00000000-0000-4000-8000-000000000003"
    rows.execute("update videos set processed_at = '2026-01-01' where id = %s", [third])
    number = next(n for n in range(SLICES) if slice_of(DAYS.last + n * DAY) == 3)
    assert third in lessons(number, 2)
    assert len(lessons(number, 2)) == 2
    assert len(lessons(number, 3)) == 3


def test_a_look_tells_how_many_lessons_it_left_out(
    rows: Connection, database: Database, own_urls: DatabaseUrls
) -> None:
    """Else the limit is met in silence, and green."""
    assert rows
    small = GreatExpectationsValidator(
        database, own_urls.admin, look_back_days=14, max_lessons=1
    )
    assert small.validate(QualityTable.TRANSCRIPTS, DAYS).left_out == 2


def test_a_page_needs_nothing_from_outside_and_holds_no_word_of_a_lesson(
    rows: Connection, validator: GreatExpectationsValidator
) -> None:
    """Else opening a report tells eight companies, or shows a creator's lesson."""
    hostile = "<script src=https://evil.example/x></script>"
    rows.execute(
        "update analytics_events set event_name = %s, properties = '[]'", [hostile]
    )
    rows.execute("update quiz_questions set quote = 'Bananas sing.', end_s = 90")
    for table in QualityTable:
        page = validator.validate(table, DAYS).page
        assert re.findall(r"(?i)(?:https?:)?//[\w.-]+", page) == []
        assert re.findall(r"(?i)<(?:script|link|img|iframe|base|object)\b", page) == []
        assert re.findall(r"(?i)\b(?:url\(|@import|on\w+=)", page) == []
        assert "default-src 'none'" in page
        for word in (LESSON_WORD, "Bananas", "evil", "ada@tests.example"):
            assert word not in page
        assert EXPECTATIONS[table][0].column in page
        assert EXPECTATIONS[table][0].sentence in html.unescape(page)
        assert "href" not in page


def files_of(place: Path) -> list[Path]:
    """A file, or all files of a folder, which others may be removing."""
    below = [Path(root, name) for root, _, names in os.walk(place) for name in names]
    return below or [place]


def holds(path: Path, secret: str) -> bool:
    """Whether a file that is still there holds it."""
    with suppress(OSError):
        return path.is_file() and secret.encode() in path.read_bytes()
    return False


def test_the_password_stands_in_no_log_page_or_file(
    rows: Connection,
    validator: GreatExpectationsValidator,
    database: Database,
    own_urls: DatabaseUrls,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Else whoever reads a log or a bucket owns the database."""
    password = urlsplit(own_urls.admin).password
    assert rows
    assert password
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    temporary = Path(tempfile.gettempdir())
    before = set(temporary.iterdir())
    away = own_urls.admin.replace(f":{urlsplit(own_urls.admin).port}/", ":1/")
    with caplog.at_level(logging.DEBUG):
        page = validator.validate(QualityTable.QUIZZES, DAYS).page
        with pytest.raises(TransientError) as unreachable:
            GreatExpectationsValidator(database, away, look_back_days=14).validate(
                QualityTable.QUIZZES, DAYS
            )
    printed = capfd.readouterr()
    for text in (caplog.text, page, printed.out, printed.err, str(unreachable.value)):
        assert password not in text
    assert list(tmp_path.iterdir()) == []
    for new in set(temporary.iterdir()) - before:
        assert not any(holds(path, password) for path in files_of(new))


def test_a_look_talks_to_the_database_and_to_nobody_else(
    rows: Connection, validator: GreatExpectationsValidator
) -> None:
    """Else a company learns of every look, or a host without a way out hangs."""
    assert rows
    talked_to: set[object] = set()
    listening = True

    def hear(event: str, details: tuple[object, ...]) -> None:
        if listening and event in ("socket.connect", "socket.getaddrinfo"):
            talked_to.add(details[:2])

    sys.addaudithook(hear)
    validator.validate(QualityTable.QUIZZES, DAYS)
    listening = False
    assert talked_to == set()


def test_the_server_counts_and_no_row_is_fetched(
    rows: Connection, validator: GreatExpectationsValidator
) -> None:
    """Else a night takes as much memory as a table has rows."""
    assert rows
    fetched: list[int] = []
    modes: set[object] = set()

    def count(
        connection: sqlalchemy.Connection,
        cursor: psycopg.Cursor[object],
        statement: str,
        *_: object,
    ) -> None:
        if statement.lower().startswith("select"):
            fetched.append(cursor.rowcount)
            state = connection.connection.cursor()
            state.execute("show transaction_read_only")
            modes.add(state.fetchone())

    sqlalchemy.event.listen(sqlalchemy.Engine, "after_cursor_execute", count)
    try:
        for table in QualityTable:
            assert validator.validate(table, DAYS).rows > 1
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "after_cursor_execute", count)
    assert max(fetched) == 1
    assert modes == {("on",)}


def test_a_statement_that_the_server_refuses_is_an_error_and_no_finding(
    rows: Connection, validator: GreatExpectationsValidator
) -> None:
    """Else a column that was renamed reads as thousands of bad rows."""
    rows.execute("alter table quiz_questions rename column prompt to question")
    try:
        with pytest.raises(PermanentError, match="UndefinedColumn"):
            validator.validate(QualityTable.QUIZZES, DAYS)
    finally:
        rows.execute("alter table quiz_questions rename column question to prompt")


def test_dagster_is_told_severity_figures_and_the_page(
    rows: Connection,
    validator: GreatExpectationsValidator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else somebody must read a page to learn whether to get up."""
    rows.execute("update quiz_questions set quote = 'Bananas sing.' where position = 0")
    rows.execute("update transcript_chunks set topic_tags = '{}'")
    storage = FolderStorage(tmp_path)
    shelf = ReportShelf(storage)
    rows.execute("update videos set processed_at = now()")
    quizzes, chunks = (
        check(table_validator=validator, report_shelf=shelf)
        for check in (stored_quizzes_are_sound, video_chunks_are_sound)
    )
    assert isinstance(quizzes, dg.AssetCheckResult)
    assert isinstance(chunks, dg.AssetCheckResult)
    assert not quizzes.passed
    assert not chunks.passed
    assert quizzes.severity is dg.AssetCheckSeverity.ERROR
    assert chunks.severity is dg.AssetCheckSeverity.WARN
    assert quizzes.metadata["rows"] == dg.MetadataValue.int(36)
    assert quizzes.metadata["not met"] == dg.MetadataValue.int(1)
    told = str(quizzes.metadata["findings"].value)
    assert "| **what a quiz quotes stands in the lesson that students see** " in told
    assert "| ERROR | 36 | 3 | 00000000-" in told
    key = str(quizzes.metadata["report"].value)
    assert storage.stat(key) is not None
    assert "/quizzes." in key
    assert capsys.readouterr().err.count('"event": "check failed"') == 1, "the ERROR"
    assert quizzes.description == (
        "not met: what a quiz quotes stands in the lesson that students see"
    )


def test_the_nightly_job_looks_at_five_tables_and_the_day_at_its_metrics(
    rows: Connection, validator: GreatExpectationsValidator, tmp_path: Path
) -> None:
    """Else a look is written and never made."""
    assert rows
    storage = FolderStorage(tmp_path)
    wired = dg.Definitions(
        assets=defs.assets,
        asset_checks=defs.asset_checks,
        jobs=defs.jobs,
        executor=defs.executor,
        resources={
            **(defs.resources or {}),
            "table_validator": validator,
            "report_shelf": ReportShelf(storage, "https://reports.example"),
        },
    )
    with dg.DagsterInstance.ephemeral() as instance:
        nightly = wired.resolve_job_def("table_quality_job").execute_in_process(
            instance=instance
        )
        of_day = wired.resolve_job_def("daily_metrics_job").execute_in_process(
            instance=instance,
            partition_key=DAYS.last.isoformat(),
            op_selection=["daily_metrics_a_day_is_like_others"],
        )
    assert len(nightly.get_asset_check_evaluations()) == 5
    (told,) = of_day.get_asset_check_evaluations()
    assert told.check_name == a_day_is_like_others.check_key.name
    (page,) = storage.list(
        quality_prefix(QualityTable.DAILY_METRICS, DAYS.last), limit=9
    )
    assert told.metadata["report"].value == f"https://reports.example/{page.key}"
    assert len(storage.list("reports/quality/", limit=10)) == 6
    assert table_quality_schedule.cron_schedule == "0 5 * * *"
    assert table_quality_schedule.execution_timezone == "UTC"
    assert table_quality_schedule.default_status is dg.DefaultScheduleStatus.RUNNING
