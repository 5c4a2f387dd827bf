"""PostgreSQL dies under a bulk write, for real, on a server of its own."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from mentora_pipelines import migrations
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.repository.cursors import cursor_key
from mentora_pipelines.adapters.postgres.repository.repository import Repository
from mentora_pipelines.adapters.postgres.tables.people import STUDENTS
from mentora_pipelines.errors import TransientError
from mentora_pipelines.local_stack import (
    LocalServices,
    ensure_local_stack,
    stop_local_stack,
)

ROWS = 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a server that may be killed keeps its files."""
    yield tmp_path / "server"
    stop_local_stack(tmp_path / "server")


def kill_postgres(connection: psycopg.Connection) -> None:
    """Kill the server of a connection, as the system does when memory ends."""
    backend = Path(f"/proc/{connection.info.backend_pid}/stat")
    # The fourth field is the parent: the server itself. The name before it, in
    # brackets, holds blanks.
    parent = backend.read_text(encoding="ascii").rpartition(")")[2].split()[1]
    os.kill(int(parent), signal.SIGKILL)


def make_creator(services: LocalServices) -> UUID:
    """A creator to write students for."""
    creator_id = uuid4()
    with psycopg.connect(services.database_admin_url) as connection:
        connection.execute(
            "insert into creators (id, email) values (%s, %s)",
            [creator_id, f"{creator_id}@tests.example"],
        )
    return creator_id


def students(
    creator_id: UUID, dies: psycopg.Connection | None = None
) -> Iterator[dict[str, object]]:
    """Rows to write; half-way through them the server of `dies` is killed."""
    for number in range(ROWS):
        if dies is not None and number == ROWS // 2:
            kill_postgres(dies)
        yield {
            "id": UUID(int=number),
            "creator_id": creator_id,
            "email": f"{number}@tests.example",
            "last_active": datetime.now(UTC),
        }


def test_a_bulk_write_survives_the_death_of_the_server_whole_or_not_at_all(
    folder: Path,
) -> None:
    """Else a crash leaves half of a creator's rows, and the retry meets them."""
    services = ensure_local_stack(folder)
    migrations.upgrade(services.database_admin_url)
    creator_id = make_creator(services)
    with psycopg.connect(services.database_admin_url) as witness:
        database = Database(services.database_url, "mentora-tests")
        repository = Repository(database, STUDENTS, cursor_key("tests"))
        with pytest.raises(TransientError):
            repository.insert_many(
                students(creator_id, dies=witness), creator_id=creator_id
            )
    assert ensure_local_stack(folder).database_url == services.database_url

    # The pool notices by itself that its connections are gone.
    assert repository.list(creator_id=creator_id, limit=1).rows == ()
    inserted = repository.insert_many(students(creator_id), creator_id=creator_id)
    assert inserted.count == ROWS
    database.close()
