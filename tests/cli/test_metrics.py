"""`mentora metrics`: numbers for people, for programs and for spreadsheets."""

import io
import os
from collections.abc import Callable
from datetime import date
from json import loads
from pathlib import Path
from uuid import UUID, uuid4

import pandas as pd
import psycopg
import pytest
from typer.testing import CliRunner, Result

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.cli.main import app
from mentora_pipelines.domain.analytics.metric_reports import report_key
from mentora_pipelines.errors import InvalidInput, NotFound
from mentora_pipelines.providers.analytics import make_report_shelf
from mentora_pipelines.services import DatabaseUrls
from tests.analytics.conftest import Facts

Ask = Callable[..., Result]


@pytest.fixture(scope="module")
def creator(urls: DatabaseUrls) -> str:
    """A creator with two days of metrics, in weeks of their own."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        facts = Facts(connection)
        made = facts.creator()
        for day in ("2025-06-01", "2025-06-02"):
            student = uuid4()
            facts.add("lesson_watched", f"{day}T12:00Z", made, student, seconds=100 / 3)
            facts.add("session_started", f"{day}T12:00Z", made, student)
            connection.execute(
                "select aggregate_daily_metrics(%s)", [date.fromisoformat(day)]
            )
    return str(made)


@pytest.fixture
def ask(creator: str) -> Ask:
    """The command about June 2025 and that creator."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(
            app,
            ["metrics", "--from", "2025-06-01", "--to", "2025-06-30", "--creator",
             creator, *words],
        )  # fmt: skip

    return run


def test_csv_reads_back_as_what_json_says(ask: Ask) -> None:
    """Else a spreadsheet shows other numbers than the command."""
    csv, json = ask("--csv"), ask("--json")
    assert (csv.exit_code, json.exit_code) == (0, 0)
    read = pd.read_csv(io.StringIO(csv.stdout))
    frame = pd.DataFrame(loads(json.stdout)["metrics"])
    assert list(read.columns) == list(frame.columns)
    assert list(read["period_start"]) == ["2025-06-01", "2025-06-02"]
    assert list(read["watch_minutes"]) == list(frame["watch_minutes"])
    assert read["watch_minutes"].iloc[0] == 100 / 3 / 60
    assert read["quiz_pass_rate"].isna().all()
    assert list(read["sessions"]) == [1, 1]


def test_periods_are_weeks_and_months(ask: Ask) -> None:
    """Else an analyst adds up students that came every day."""
    weeks = ask("--by", "week", "--csv").stdout.splitlines()
    assert [line.split(",")[0] for line in weeks[1:]] == ["2025-05-26", "2025-06-02"]
    (month,) = ask("--by", "month", "--csv").stdout.splitlines()[1:]
    assert month.startswith("2025-06-01,")
    table = ask("--by", "month").stdout
    assert "Metrics by month, 2025-06-01 to 2025-06-30" in table


@pytest.mark.parametrize(
    "words",
    [("--to", "yesterday"), ("--to", "2025-05-31"), ("--csv", "--json")],
)
def test_a_typing_error_is_told(ask: Ask, words: tuple[str, ...]) -> None:
    """Else a wrong month answers with an empty table."""
    assert isinstance(ask(*words).exception, InvalidInput)


def test_the_newest_page_of_a_creators_day_is_found(creator: str) -> None:
    """Else an analyst lists a bucket by hand, or sends a page that was replaced."""
    day, shelf = date(2025, 6, 2), make_report_shelf()
    words = ("metrics", "--report", day.isoformat(), "--creator", creator)
    missing = CliRunner().invoke(app, words)
    assert isinstance(missing.exception, NotFound)
    for age, text in enumerate(("this one", "replaced")):
        page = shelf.put(report_key(day, UUID(creator), text), text)
        if isinstance(shelf.storage, FolderStorage):
            path = shelf.storage.root / page.key
            os.utime(path, (path.stat().st_mtime - 60 * age,) * 2)
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0
    assert Path(told.stdout.strip()).read_text() == "this one"
    key = loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["key"]
    with shelf.storage.open(key) as stream:
        assert stream.read() == b"this one"
    both = CliRunner().invoke(app, [*words, "--csv"])
    assert isinstance(both.exception, InvalidInput)
