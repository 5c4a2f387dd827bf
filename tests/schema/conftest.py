"""Databases of their own on the test run's server, one of them with rows."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import psycopg
import pytest

from mentora_pipelines import migrations
from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.services import DatabaseUrls
from tests.fix_databases import NewDatabase
from tests.schema.catalog import TENANT_TABLES
from tests.schema.seed import fill

AsCreator: TypeAlias = Callable[[str | None], AbstractContextManager[Connection]]


@pytest.fixture(scope="session")
def filled_database(new_database: NewDatabase) -> Iterator[DatabaseUrls]:
    """The newest schema with a row of Ada's in every table; no test changes it."""
    with new_database() as made:
        migrations.upgrade(made.admin)
        fill(made.admin)
        yield made


@pytest.fixture
def admin(filled_database: DatabaseUrls) -> Iterator[Connection]:
    """A transaction of the admin role, rolled back at the end."""
    with psycopg.connect(filled_database.admin) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def as_creator(filled_database: DatabaseUrls) -> AsCreator:
    """A transaction of the app role for a creator or for none, rolled back."""

    @contextmanager
    def open_transaction(creator_id: str | None) -> Iterator[Connection]:
        with psycopg.connect(filled_database.app) as connection:
            connection.execute(
                "select set_config('app.creator_id', %s, true)", [creator_id or ""]
            )
            yield connection
            connection.rollback()

    return open_transaction


@pytest.fixture(scope="session")
def tenant_tables(filled_database: DatabaseUrls) -> list[str]:
    """Every table that holds rows of creators."""
    with psycopg.connect(filled_database.admin) as connection:
        return [name for (name,) in connection.execute(TENANT_TABLES)]
