"""A local Whop, and creators who sell there."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeAlias
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.adapters.whop.calls import Patience
from mentora_pipelines.adapters.whop.memberships import WhopMemberships
from mentora_pipelines.providers.memberships import open_membership_rows
from mentora_pipelines.services import DatabaseUrls
from tests.fix_runs import Connection
from tests.whop_server import COMPANY, KEY, PRODUCT, WhopServer, serving_whop

HASTE = Patience(read_s=0.25, attempts=1, pause_s=0.01, budget_s=2.0)
"""For faults alone: on a busy machine a good answer may take longer."""

CALM = Patience(read_s=5.0, attempts=2, pause_s=0.01, budget_s=10.0)

NewSeller: TypeAlias = Callable[..., UUID]


@pytest.fixture(scope="session")
def one_whop() -> Iterator[WhopServer]:
    """The Whop of the test run."""
    with serving_whop() as server:
        yield server


@pytest.fixture
def whop_server(one_whop: WhopServer) -> Iterator[WhopServer]:
    """An empty Whop that answers."""
    one_whop.reset()
    yield one_whop
    one_whop.reset()


def whop_at(
    server: WhopServer, patience: Patience = CALM, *, pause_s: float = 0.0
) -> WhopMemberships:
    """The adapter to a local Whop, which is never left alone by default."""
    return WhopMemberships(
        SecretStr(KEY),
        server.url,
        access_patience=patience,
        listing_patience=patience,
        pause_s=pause_s,
    )


@pytest.fixture
def whop(whop_server: WhopServer) -> Iterator[WhopMemberships]:
    """The adapter to the local Whop."""
    with closing(whop_at(whop_server)) as adapter:
        yield adapter


@pytest.fixture
def hasty_whop(whop_server: WhopServer) -> Iterator[WhopMemberships]:
    """The same, soon tired of waiting."""
    with closing(whop_at(whop_server, HASTE)) as adapter:
        yield adapter


@pytest.fixture(scope="session")
def membership_rows(urls: DatabaseUrls) -> Iterator[PostgresMemberships]:
    """Memberships as they are kept."""
    assert urls.embedded
    with open_membership_rows() as rows:
        yield rows


@pytest.fixture
def new_seller(admin: Connection) -> Iterator[NewSeller]:
    """Makes a creator who sells the one product; gone at the end."""
    made: list[UUID] = []

    def make(company: str = COMPANY, products: tuple[str, ...] = (PRODUCT,)) -> UUID:
        creator_id = uuid4()
        settings = {"whop": {"companyId": company, "productIds": list(products)}}
        admin.execute(
            "insert into creators (id, email, settings) values (%s, %s, %s)",
            [creator_id, f"{creator_id}@tests.example", Jsonb(settings)],
        )
        made.append(creator_id)
        return creator_id

    yield make
    admin.execute("delete from creators where id = any(%s)", [made])
