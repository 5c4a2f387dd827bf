"""Databases of their own on the test run's server."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from mentora_pipelines import migrations
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.local_stack import ensure_local_stack
from mentora_pipelines.local_stack.layout import Layout
from mentora_pipelines.local_stack.postgres import PostgresPasswords
from mentora_pipelines.services import DatabaseUrls
from mentora_pipelines.settings.home import HomeSettings

NewDatabase: TypeAlias = Callable[[], AbstractContextManager[DatabaseUrls]]

_numbers = itertools.count(1)


def superuser_url(url: str) -> str:
    """The same database of the embedded server, as its superuser."""
    text = Layout.below(HomeSettings().state_folder).credentials.read_text("utf-8")
    passwords = PostgresPasswords(json.loads(text)["postgres"])
    there = urlsplit(url)
    assert there.port is not None
    return passwords.url("postgres", there.port, there.path.strip("/"))


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


@pytest.fixture(scope="module")
def own_urls(new_database: NewDatabase) -> Iterator[DatabaseUrls]:
    """A database of the newest schema whose rows are one test module's alone."""
    with new_database() as made:
        migrations.upgrade(made.admin)
        yield made


@pytest.fixture(scope="module")
def own_database(own_urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of that database's admin role."""
    with closing(Database(own_urls.admin, "tests")) as database:
        yield database


@pytest.fixture(scope="module")
def own_catalogue(own_urls: DatabaseUrls, own_database: Database) -> PostgresCatalogue:
    """The catalogue of that database."""
    return PostgresCatalogue(own_database, own_urls.admin, auto_generate_quiz=True)


@pytest.fixture(scope="module")
def own_lessons(own_urls: DatabaseUrls) -> Iterator[PostgresLessons]:
    """The lessons of that database."""
    database = Database(own_urls.app, "tests-lessons")
    lessons = PostgresLessons(database)
    yield lessons
    lessons.close()
    database.close()
