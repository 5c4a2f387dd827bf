"""Pooled connections to PostgreSQL, one transaction at a time, tenant by tenant.

Here belong the pool, the transaction and the translation of psycopg's errors. Not
here: any statement about lessons.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString, TypeAlias, TypeVar
from uuid import UUID

import psycopg
from pgvector.psycopg import register_vector
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from mentora_pipelines.errors import PermanentError, TransientError
from mentora_pipelines.observability.timers import timed

Connection: TypeAlias = psycopg.Connection[TupleRow]

CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_MS = 60_000
LOCK_TIMEOUT_MS = 10_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000
POOL_WAIT_S = 15.0
POOL_SIZE = 4
"""A run works on one video at a time; four leave room for its checks."""

ATTEMPTS = 3
ATTEMPT_PAUSE_S = 0.1
"""Who lost to another transaction finds it gone; the pause parts two that collide."""

COLLISIONS = (SerializationFailure, DeadlockDetected)
"""SQLSTATE 40001 and 40P01: two transactions met and the server ended this one."""

TRANSIENT_STATES = ("08", "25006", "25P03", "40001", "40P01", "53", "55P03", "57", "58")
"""Connection, read-only server, idle too long, collision, resources, lock not had,
operator and time-out, system: classes and codes of PostgreSQL's appendix A."""

T = TypeVar("T")

SET_UP: LiteralString = """
select
    set_config('app.creator_id', %(creator_id)s, true),
    set_config('statement_timeout', %(statement_timeout)s, true),
    set_config('lock_timeout', %(lock_timeout)s, true),
    set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true),
    set_config('timezone', 'UTC', true)
"""
"""Said in each transaction and for it alone: a connection in a pool, ours or that of a
pgbouncer between us and the server, keeps neither a creator nor a limit."""


class Database:
    """A pool of connections of one role; opened at first use, closed by `close`."""

    def __init__(self, url: str, application_name: str) -> None:
        self._url = url
        self._application_name = application_name
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=POOL_WAIT_S,
            open=False,
            configure=_register_types,
            kwargs={
                "application_name": application_name,
                "connect_timeout": CONNECT_TIMEOUT_S,
                # Behind a transaction pooler a prepared statement may be elsewhere.
                "prepare_threshold": None,
            },
        )

    @contextmanager
    def transaction(self, creator_id: UUID | None = None) -> Iterator[Connection]:
        """One transaction, committed at the end, rolled back on any error.

        With `creator_id` the app role sees that creator's rows for this transaction
        only. Raises `TransientError` when the server is away, overloaded or found a
        conflict, `PermanentError` when it refuses the statement.
        """
        with timed("database"), self.untimed_transaction(creator_id) as connection:
            yield connection

    @contextmanager
    def untimed_transaction(
        self, creator_id: UUID | None = None
    ) -> Iterator[Connection]:
        """The same for a transaction that rests while other work is done."""
        with translated_errors():
            self._pool.open()
            with self._pool.connection() as connection:
                connection.execute(
                    SET_UP,
                    {
                        "creator_id": "" if creator_id is None else str(creator_id),
                        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                        "lock_timeout": str(LOCK_TIMEOUT_MS),
                        "idle_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                    },
                )
                yield connection

    @contextmanager
    def without_transaction(self) -> Iterator[Connection]:
        """A connection of its own whose statements commit one by one, without limits.

        For what takes long and keeps nobody waiting (`concurrently`). Raises as
        `transaction` does.
        """
        with (
            translated_errors(),
            psycopg.connect(
                self._url,
                autocommit=True,
                prepare_threshold=None,
                application_name=self._application_name,
                connect_timeout=CONNECT_TIMEOUT_S,
            ) as connection,
        ):
            _register_types(connection)
            yield connection

    @property
    def pool_figures(self) -> dict[str, int]:
        """psycopg_pool's counters: connections, those at rest, requests, waits."""
        return self._pool.get_stats()

    def run(
        self,
        work: Callable[[Connection], T],
        creator_id: UUID | None = None,
        *,
        attempts: int = ATTEMPTS,
    ) -> T:
        """What `work` returns, called in one transaction.

        A transaction that the server ended because of another one (serialization
        failure, deadlock) left nothing behind, so `work` is called again in a new
        one, at most `attempts` times in all; no other error is repeated here.
        Raises as `transaction` does.
        """
        attempt = 1
        while True:
            try:
                with self.transaction(creator_id) as connection:
                    return work(connection)
            except TransientError as error:
                if attempt >= attempts or not isinstance(error.__cause__, COLLISIONS):
                    raise
            time.sleep(random.SystemRandom().uniform(0, attempt * ATTEMPT_PAUSE_S))
            attempt += 1

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn psycopg's errors into ours.

    The server's own text may quote a row, so only its class and code are told.
    """
    try:
        yield
    except psycopg.Error as error:
        kind = TransientError if _is_transient(error) else PermanentError
        raise kind(f"database: {_name(error)}") from error


def _is_transient(error: psycopg.Error) -> bool:
    """Whether the server or the way to it is at fault, and not the request."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate.startswith(TRANSIENT_STATES)


def _name(error: psycopg.Error) -> str:
    code = f" ({error.sqlstate})" if error.sqlstate else ""
    place = error.diag.constraint_name or error.diag.table_name
    return f"{type(error).__name__}{code}{f' at {place}' if place else ''}"


def _register_types(connection: Connection) -> None:
    # A database before its first migration has no vectors to read or write.
    with suppress(psycopg.ProgrammingError):
        register_vector(connection)
    connection.commit()


class Rows:
    """Base of the stores: each method is one transaction, or a few."""

    def __init__(self, database: Database) -> None:
        self._database = database
