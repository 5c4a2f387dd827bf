"""A database of its own for the metrics, empty at the start of each test."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from mentora_pipelines import migrations
from mentora_pipelines.adapters.postgres.analytics.daily_metrics import PostgresMetrics
from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.services import DatabaseUrls
from tests.fix_databases import NewDatabase

EMPTY = """
truncate analytics_events, daily_metrics, ai_usage;
delete from creators;
"""

ADD_FACT = """
insert into analytics_events (
    id, creator_id, student_id, event_name, created_at, properties)
values (%(id)s, %(creator)s, %(student)s, %(name)s, %(at)s, %(properties)s)
"""

ADD_COST = """
insert into ai_usage (
    id, creator_id, provider, model, operation, unit, cost_usd, price_version, status,
    settled_at, created_at)
values (
    gen_random_uuid(), %(creator)s, 'p', 'm', 'o', 'tokens', %(cost)s, 'v1', %(status)s,
    case when %(status)s <> 'reserved' then now() end, %(at)s)
"""

ROWS = """
select coalesce(creator_id::text, 'platform'), metric_date, xmin::text, ctid::text,
    computed_at
from daily_metrics order by metric_date, 1
"""


class AsCreator(Protocol):
    """Opens a transaction of the app role for a creator."""

    def __call__(self, creator_id: UUID | None) -> AbstractContextManager[Connection]:
        """The transaction, rolled back at the end."""
        ...


@dataclass(frozen=True)
class Facts:
    """Writes what happened, and reads what was counted."""

    connection: Connection

    def creator(self) -> UUID:
        """A new creator."""
        creator = uuid4()
        self.connection.execute(
            "insert into creators (id, email) values (%s, %s)",
            [creator, f"{creator}@tests.example"],
        )
        return creator

    def add(
        self,
        name: str,
        at: str,
        creator: UUID | None,
        student: UUID | None = None,
        **properties: object,
    ) -> None:
        """One fact at an ISO time."""
        self.connection.execute(
            ADD_FACT,
            {
                "id": uuid4(),
                "creator": creator,
                "student": student,
                "name": name,
                "at": at,
                "properties": Jsonb(properties),
            },
        )

    def cost(
        self, at: str, creator: UUID | None, cost: str, status: str = "settled"
    ) -> None:
        """One call to a provider."""
        self.connection.execute(
            ADD_COST, {"creator": creator, "cost": cost, "status": status, "at": at}
        )

    def numbers(self, day: date, creator: UUID | None, *names: str) -> tuple[Any, ...]:
        """Columns of the row of a day; raises when there is none."""
        columns = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, names))
        row = self.connection.execute(
            psycopg.sql.SQL(
                "select {} from daily_metrics where metric_date = %s "
                "and creator_id is not distinct from %s"
            ).format(columns),
            [day, creator],
        ).fetchone()
        assert row is not None, "the day has no such row"
        return row

    def rows(self) -> dict[tuple[str, date], tuple[object, ...]]:
        """Each row with what betrays that it was written again."""
        found = self.connection.execute(ROWS).fetchall()
        return {(who, day): tuple(rest) for who, day, *rest in found}

    def names(self) -> list[tuple[object, ...]]:
        """Name and properties of every fact, in the order of time and name."""
        return self.connection.execute(
            "select event_name, properties from analytics_events "
            "order by created_at, event_name, properties"
        ).fetchall()


@pytest.fixture(scope="session")
def metrics_urls(new_database: NewDatabase) -> Iterator[DatabaseUrls]:
    """A database at the newest schema that only these tests use."""
    with new_database() as made:
        migrations.upgrade(made.admin)
        yield made


@pytest.fixture(scope="session")
def admin_session(metrics_urls: DatabaseUrls) -> Iterator[Connection]:
    """One connection of the admin role for all tests."""
    with psycopg.connect(metrics_urls.admin, autocommit=True) as connection:
        yield connection


@pytest.fixture
def facts(admin_session: Connection) -> Facts:
    """An empty book of facts."""
    admin_session.execute(EMPTY)
    return Facts(admin_session)


@pytest.fixture(scope="session")
def metrics(metrics_urls: DatabaseUrls) -> Iterator[PostgresMetrics]:
    """The store, as the admin role."""
    database = Database(metrics_urls.admin, "mentora-tests")
    yield PostgresMetrics(database)
    database.close()


@pytest.fixture
def as_app(metrics_urls: DatabaseUrls) -> AsCreator:
    """A transaction of the app role for a creator or for none, rolled back."""

    @contextmanager
    def open_transaction(creator_id: UUID | None) -> Iterator[Connection]:
        with psycopg.connect(metrics_urls.app) as connection:
            connection.execute(
                "select set_config('app.creator_id', %s, true)",
                ["" if creator_id is None else str(creator_id)],
            )
            yield connection
            connection.rollback()

    return open_transaction
