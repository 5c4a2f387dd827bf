"""Databases of their own on the test run's server, one of them with rows."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest
from psycopg import sql

from mentora_pipelines import migrations
from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.local_stack import ensure_local_stack
from mentora_pipelines.local_stack.layout import Layout
from mentora_pipelines.local_stack.postgres import PostgresPasswords
from mentora_pipelines.services import DatabaseUrls
from mentora_pipelines.settings import HomeSettings
from tests.schema.catalog import TENANT_TABLES
from tests.schema.seed import fill

NewDatabase: TypeAlias = Callable[[], AbstractContextManager[DatabaseUrls]]
AsCreator: TypeAlias = Callable[[str | None], AbstractContextManager[Connection]]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def new_database(home: Path) -> NewDatabase:
    """Makes a database without our schema, gone afterwards."""
    assert home.is_dir()
    state = HomeSettings().state_folder
    ensure_local_stack(state)
    # Only the superuser makes databases, and no URL of ours is the superuser's.
    text = Layout.below(state).credentials.read_text(encoding="utf-8")
    credentials = json.loads(text)
    passwords = PostgresPasswords(credentials["postgres"])
    port = credentials["ports"]["postgres"]

    @contextmanager
    def make() -> Iterator[DatabaseUrls]:
        name = f"schema_{next(_numbers)}"
        create = "create database {} owner mentora_admin"
        with psycopg.connect(
            passwords.url("postgres", port, "postgres"), autocommit=True
        ) as server:
            server.execute(sql.SQL(create).format(sql.Identifier(name)))
            yield DatabaseUrls(
                passwords.url("mentora_app", port, name),
                passwords.url("mentora_admin", port, name),
                embedded=True,
            )
            drop = "drop database {} with (force)"
            server.execute(sql.SQL(drop).format(sql.Identifier(name)))

    return make


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
