"""The schema of the database: numbered SQL files, run in order by alembic.

Here belong the SQL and the functions that run it. Not here: Dagster's tables,
which Dagster makes in a database of its own.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.errors import TransientError

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent

TURN = 0x6D696772617465
"""Advisory lock of the process whose turn it is to migrate: "migrate" in ASCII."""

TAKE_TURN = "select pg_try_advisory_lock(%(id)s)"

TURN_POLL_S = 0.2


def read_sql(name: str) -> str:
    """The text of `sql/{name}.sql`."""
    return (FOLDER / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def run_sql(name: str) -> None:
    """Execute `sql/{name}.sql` in the transaction of the running revision."""
    from alembic import op

    # Without parameters psycopg leaves `%` alone and takes several statements.
    op.get_bind().exec_driver_sql(
        read_sql(name), execution_options={"no_parameters": True}
    )


def run_sql_outside_transaction(name: str) -> None:
    """Execute the statements of `sql/{name}.sql` one by one, each committed at once.

    For `concurrently`, which no transaction takes. It commits what the revision did
    before, so it comes first in it. A crash leaves the statements before: the file
    bears a repeat, since the revision then runs again.
    """
    from alembic import op

    with op.get_context().autocommit_block():
        for statement in read_sql(name).split(";\n"):
            lines = statement.splitlines()
            if any(line and not line.startswith("--") for line in lines):
                op.get_bind().exec_driver_sql(
                    statement, execution_options={"no_parameters": True}
                )


def head_revision() -> str:
    """The revision that this code needs: the last of the numbered files."""
    # Read from the names, since importing alembic costs every run a second.
    return max(path.stem for path in (FOLDER / "versions").glob("[0-9]*.py"))


def is_behind(revision: str | None) -> bool:
    """Whether this code needs a later revision; one it does not know is newer."""
    return revision is None or revision < head_revision()


def current_revision(database_url: str) -> str | None:
    """The revision that the database is at, None before the first.

    Raises `TransientError` when the database does not answer.
    """
    import psycopg

    try:
        with psycopg.connect(database_url, connect_timeout=10) as connection:
            table = connection.execute(
                "select to_regclass('public.alembic_version')"
            ).fetchone()
            if table is None or table[0] is None:
                return None
            row = connection.execute(
                "select version_num from public.alembic_version"
            ).fetchone()
    except psycopg.Error as error:
        # The words of the driver may quote the address with its password.
        kind = type(error).__name__
        raise TransientError(f"the database does not answer: {kind}") from None
    return None if row is None else str(row[0])


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database to `revision`; waits while another process does the same.

    `database_url` is a plain `postgresql://` URL of the owner of the schema. Each
    revision is one transaction: a crash leaves the schema as it was before it, but
    for indexes that were being built on live tables, which the next try builds anew.
    """
    from alembic import command

    with _one_at_a_time(database_url):
        command.upgrade(_config(database_url), revision)


def downgrade(database_url: str, revision: str = "-1") -> None:
    """Take the database back to `revision`."""
    from alembic import command

    with _one_at_a_time(database_url):
        command.downgrade(_config(database_url), revision)


@contextmanager
def _one_at_a_time(database_url: str) -> Iterator[None]:
    """Hold the turn to migrate; asks for it again and again until it is free.

    Waiting for it inside the server would end in a deadlock: the waiting statement
    keeps a snapshot, and a concurrent index build waits for every older snapshot.
    """
    import psycopg

    with psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=10,
        application_name="mentora migrate turn",
    ) as connection:
        while connection.execute(TAKE_TURN, {"id": TURN}).fetchone() != (True,):
            time.sleep(TURN_POLL_S)
        yield


def _config(database_url: str | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = database_url
    return config
