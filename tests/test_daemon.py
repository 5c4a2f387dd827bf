"""The real daemon: uploads dropped into the folder become lessons, once."""

from collections.abc import Iterator

import psycopg
import pytest

from mentora_pipelines.local_stack import ensure_local_stack
from tests.fix_commands import DemoHome
from tests.fix_runs import Connection

RUNS = """
select status, count(*) from runs where pipeline_name = 'lesson_job' group by status
"""

TICKS = """
select count(*) from job_ticks
where status = 'FAILURE' and tick_body not like '%DagsterUserCodeUnreachableError%'
"""
"""Looks that failed. A tick that meets the end of the demo finds nobody to ask."""


@pytest.fixture
def dagster(demo_home: DemoHome) -> Iterator[Connection]:
    """Dagster's own tables of that home."""
    services = ensure_local_stack(demo_home.mentora.home / ".mentora")
    with psycopg.connect(services.dagster_postgres_url, autocommit=True) as connection:
        yield connection


def test_uploads_dropped_into_the_folder_become_lessons(demo_home: DemoHome) -> None:
    """Else nothing happens when a creator uploads a lesson."""
    assert demo_home.demo.code == 0, demo_home.demo.progress
    assert "Traceback" not in demo_home.demo.progress
    videos = demo_home.mentora("status", "--json").json["videos"]
    of_demo = [v for v in videos if v["creator"] == "ada@mentora.example"]
    assert {(video["title"], video["status"]) for video in of_demo} == {
        ("binary search", "completed"),
        ("compound interest", "completed"),
        ("photosynthesis", "completed"),
    }


def test_each_upload_was_run_once(dagster: Connection) -> None:
    """Else every look of the sensor starts the same lesson again."""
    assert dagster.execute(RUNS).fetchall() == [("SUCCESS", 3)]
    assert dagster.execute(TICKS).fetchone() == (0,)


def test_the_demo_shows_what_was_made(demo_home: DemoHome) -> None:
    """Else the first thing that a newcomer sees is an empty page."""
    for part in ("completed", "Search", "Draft quiz of", "Seconds per stage"):
        assert part in demo_home.demo.output


def test_the_demo_leaves_no_process_behind(demo_home: DemoHome) -> None:
    """Else each try leaves a daemon that works on the folder beside the next one."""
    assert demo_home.left_over == []


def test_a_second_demo_starts_nothing(demo_home: DemoHome, dagster: Connection) -> None:
    """Else looking again costs another recognition of each lesson."""
    before = dagster.execute(RUNS).fetchall()
    again = demo_home.mentora("demo")
    assert again.code == 0
    assert "processed already" in again.progress
    assert dagster.execute(RUNS).fetchall() == before
