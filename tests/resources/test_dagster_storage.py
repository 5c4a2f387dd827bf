"""Dagster's instance on PostgreSQL, through the class that dagster.yaml names."""

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import dagster as dg
import psycopg
import pytest

from mentora_pipelines.services import dagster_postgres_url
from resources.dagster_storage import PooledPostgresStorage, psycopg2_url
from tests.fix_runs import Connection

SESSIONS = """
select pid from pg_stat_activity
where usename = 'mentora_dagster' and pid <> pg_backend_pid()
"""

PATIENCE_S = 30.0
RACERS = 4


@dg.op
def one() -> int:
    """A step."""
    return 1


@dg.job
def two_steps() -> None:
    """A job of two steps."""
    one()
    one()


@pytest.fixture
def server(home: Path) -> Iterator[Connection]:
    """A connection to Dagster's own database."""
    assert home.is_dir()
    with psycopg.connect(dagster_postgres_url(), autocommit=True) as connection:
        yield connection


def test_dagster_uses_the_storage_of_ours(instance: dg.DagsterInstance) -> None:
    """Else dagster.yaml names a class that nobody uses."""
    storage = instance.get_ref().storage_data
    assert storage is not None
    assert storage.class_name == PooledPostgresStorage.__name__


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql+psycopg2://u:p@h:5432/d"),
        ("postgres://u@h/d", "postgresql+psycopg2://u@h/d"),
        (
            "postgresql://u:p%40%2F%25@h/d?sslmode=require",
            "postgresql+psycopg2://u:p%40%2F%25@h/d?sslmode=require",
        ),
    ],
)
def test_the_driver_is_named_and_nothing_else_is_changed(
    given: str, wanted: str
) -> None:
    """Else Dagster speaks psycopg 3, and its UI answers every page with an error."""
    assert psycopg2_url(given) == wanted


def test_a_run_opens_no_session_beyond_the_pool(
    instance: dg.DagsterInstance, server: Connection
) -> None:
    """Else a run opens some two hundred sessions and takes three times as long."""
    assert two_steps.execute_in_process(instance=instance).success
    before = {row[0] for row in server.execute(SESSIONS)}
    assert two_steps.execute_in_process(instance=instance).success
    after = {row[0] for row in server.execute(SESSIONS)}
    assert before & after, "without a pool no session outlives its statement"
    # One may be opened by what watches beside the run.
    assert len(after - before) <= 1


def test_whoever_watches_a_run_sees_its_end(instance: dg.DagsterInstance) -> None:
    """Else the UI shows a run as it was when the page was opened."""
    seen: queue.Queue[dg.DagsterEventType] = queue.Queue()

    def note(entry: dg.EventLogEntry, _cursor: str) -> None:
        if entry.dagster_event is not None:
            seen.put(entry.dagster_event.event_type)

    result = two_steps.execute_in_process(instance=instance)
    instance.watch_event_logs(result.run_id, None, note)
    try:
        while seen.get(timeout=PATIENCE_S) is not dg.DagsterEventType.RUN_SUCCESS:
            pass
    finally:
        instance.end_watch_event_logs(result.run_id, note)


def test_each_event_is_announced(
    instance: dg.DagsterInstance, server: Connection
) -> None:
    """Else the statement that announces it is malformed, and storing it fails too."""
    result = two_steps.execute_in_process(instance=instance)
    server.execute("listen run_events")
    instance.report_engine_event("seen", result.dagster_run)
    (told,) = server.notifies(timeout=PATIENCE_S, stop_after=1)
    assert told.payload.startswith(result.run_id)


def test_first_runs_of_a_new_pool_do_not_fail_each_other(
    home: Path, instance: dg.DagsterInstance
) -> None:
    """Else of the first lessons ever uploaded all but one fail."""
    pools = [f"tests-pool-{number}" for number in range(5)]
    start = Barrier(RACERS)

    def race(racer: dg.DagsterInstance) -> list[bool]:
        start.wait()
        return [
            racer.event_log_storage.initialize_concurrency_limit_to_default(pool)
            for pool in pools
        ]

    with ExitStack() as stack, ThreadPoolExecutor(RACERS) as threads:
        racers = [
            stack.enter_context(dg.DagsterInstance.from_config(str(home)))
            for _ in range(RACERS)
        ]
        answers = list(threads.map(race, racers))
    assert answers == [[True] * len(pools)] * RACERS
    for pool in pools:
        info = instance.event_log_storage.get_concurrency_info(pool)
        assert info.slot_count == 2
        instance.event_log_storage.delete_concurrency_limit(pool)
