"""A table of the tests alone, with a column of every kind that can be declared."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg

from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.repository.columns import BigInt, Json
from mentora_pipelines.adapters.postgres.repository.declaration import Table
from mentora_pipelines.adapters.postgres.repository.repository import Repository
from mentora_pipelines.adapters.postgres.tables.people import CREATORS
from mentora_pipelines.services import DatabaseUrls

UNSET = datetime(1, 1, 1, tzinfo=UTC)
"""Stands where the server will set a time."""

KEY = b"a signing key of the tests"

CREATE = """
drop table if exists probe_rows;
create table probe_rows (
    id          uuid primary key,
    creator_id  uuid not null references creators on delete cascade,
    label       text not null,
    rank        integer not null,
    score       double precision,
    note        text,
    total       bigint,
    price       numeric,
    is_open     boolean,
    happened_at timestamptz,
    day         date,
    tags        text[] not null default '{}',
    facts       jsonb not null default '{}',
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    version     integer not null default 1,
    unique (creator_id, label)
-- Plans are looked at: no statistics but those that a test makes.
) with (autovacuum_enabled = off);
create index on probe_rows (creator_id, rank, id);
create index on probe_rows (creator_id, score, id);
create trigger touch before update on probe_rows
    for each row execute function touch_row();
alter table probe_rows enable row level security, force row level security;
create policy creator on probe_rows to mentora_app
    using (creator_id = current_creator_id())
    with check (creator_id = current_creator_id());
create policy platform on probe_rows to mentora_admin using (true) with check (true);
grant select, insert, update, delete on probe_rows to mentora_app, mentora_admin;
"""


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """A row of the probe table; what the server sets has a placeholder."""

    id: UUID
    creator_id: UUID
    label: str
    rank: int = 0
    score: float | None = None
    note: str | None = None
    total: BigInt | None = None
    price: Decimal | None = None
    is_open: bool | None = None
    happened_at: datetime | None = None
    day: date | None = None
    tags: list[str] = field(default_factory=list)
    facts: Json = field(default_factory=dict)
    created_at: datetime = UNSET
    updated_at: datetime = UNSET
    version: int = 0


PROBES = Table("probe_rows", ProbeRow)


@dataclass(frozen=True, slots=True)
class ProbeLabel:
    """The few columns that a list on a screen shows."""

    id: UUID
    label: str


@dataclass(frozen=True)
class Probes:
    """The probe table as both roles see it."""

    urls: DatabaseUrls
    app_database: Database
    admin_database: Database
    app: Repository[ProbeRow]
    admin: Repository[ProbeRow]

    def new_creator(self) -> UUID:
        """A creator whom no other test uses."""
        creator_id = uuid4()
        Repository(self.admin_database, CREATORS, KEY).insert_many(
            [{"id": creator_id, "email": f"{creator_id}@tests.example"}],
            creator_id=None,
        )
        return creator_id

    def add(self, creator_id: UUID, count: int, start: int = 0) -> list[ProbeRow]:
        """Rows of a creator whose rank is their number."""
        rows = [
            ProbeRow(uuid4(), creator_id, f"row {number:05}", rank=number)
            for number in range(start, start + count)
        ]
        self.app.insert_many(rows, creator_id=creator_id)
        return rows


@contextmanager
def open_probes(urls: DatabaseUrls) -> Iterator[Probes]:
    """The probe table, made for a while."""
    with psycopg.connect(urls.admin, autocommit=True) as owner:
        owner.execute(CREATE)
        app = Database(urls.app, "mentora-tests-app")
        admin = Database(urls.admin, "mentora-tests-admin")
        try:
            yield Probes(
                urls,
                app,
                admin,
                Repository(app, PROBES, KEY),
                Repository(admin, PROBES, KEY),
            )
        finally:
            app.close()
            admin.close()
            owner.execute("drop table probe_rows")
