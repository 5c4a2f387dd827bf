"""Waiting in tests: as long as a busy machine may take, and not a moment more."""

import time
from collections.abc import Callable

import psycopg

PATIENCE_S = 120.0

BLOCKED = """
select exists (
    select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock')
"""


def wait_until(
    happened: Callable[[], object],
    patience_s: float = PATIENCE_S,
    told: Callable[[], str] = lambda: "it did not happen in time",
) -> None:
    """Return when it is so; fail, saying what is `told`, when it never is."""
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline, told()
        time.sleep(0.01)


def wait_until_blocked(url: str) -> None:
    """Return when somebody in this database waits for a lock."""
    with psycopg.connect(url, autocommit=True) as connection:

        def is_blocked() -> bool:
            row = connection.execute(BLOCKED).fetchone()
            return row is not None and bool(row[0])

        wait_until(is_blocked)
