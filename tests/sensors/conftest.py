"""Events and their sensor over a database that is one module's alone."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

import dagster as dg
import psycopg
import pytest
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.adapters.postgres.operations.email_outbox import EmailOutboxRows
from mentora_pipelines.services import DatabaseUrls
from tests.due_events import Tell, Ticks
from tests.fix_runs import Connection

INSERT = """
insert into events (
    id, name, schema_version, deduplication_key, creator_id, payload, created_at)
values (
    gen_random_uuid(), %(name)s, %(version)s, gen_random_uuid()::text, %(creator_id)s,
    %(payload)s, %(created_at)s)
returning id
"""

WEIGHTS = {"pro": 3}


@pytest.fixture
def own_admin(own_urls: DatabaseUrls) -> Iterator[Connection]:
    """The database of a module, without a row at the start of each test."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute(
            "truncate creators, events, leases, orphaned_blobs, email_outbox cascade"
        )
        yield connection


@pytest.fixture
def own_outbox(
    own_urls: DatabaseUrls, own_database: Database, own_admin: Connection
) -> PostgresEventOutbox:
    """The outbox of that database."""
    assert own_admin
    return PostgresEventOutbox(own_database, WEIGHTS, own_urls.admin)


@pytest.fixture
def own_email_outbox(own_database: Database) -> EmailOutboxRows:
    """The mail of that database."""
    return EmailOutboxRows(own_database)


@pytest.fixture
def own_memberships(
    own_urls: DatabaseUrls, own_database: Database
) -> Iterator[PostgresMemberships]:
    """The memberships of that database."""
    with closing(Database(own_urls.app, "tests-memberships")) as app:
        yield PostgresMemberships(app, own_database)


@pytest.fixture
def tick(
    instance: dg.DagsterInstance,
    own_outbox: PostgresEventOutbox,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    own_email_outbox: EmailOutboxRows,
    own_memberships: PostgresMemberships,
) -> Ticks:
    """The sensor over the outbox of these tests."""
    return Ticks(
        instance,
        own_outbox,
        own_catalogue,
        own_email_outbox,
        own_lessons,
        own_memberships,
    )


@pytest.fixture
def tell(own_admin: Connection) -> Tell:
    """Write an event, as the web application would; its id."""

    def write(
        name: str,
        creator_id: UUID | None = None,
        *,
        version: int = 1,
        created_at: datetime | None = None,
        **payload: object,
    ) -> UUID:
        row = own_admin.execute(
            INSERT,
            {
                "name": name,
                "version": version,
                "creator_id": creator_id,
                "payload": Jsonb(
                    {
                        k: str(v) if isinstance(v, UUID) else v
                        for k, v in payload.items()
                    }
                ),
                "created_at": created_at or datetime.now(UTC),
            },
        ).fetchone()
        assert row is not None
        assert isinstance(row[0], UUID)
        return row[0]

    return write
