"""The rows follow a real Whop server into the real database, and its faults."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.domain.memberships.following import (
    AWAY_AFTER,
    CREDIBLE_LOSSES,
    FollowedShops,
    follow_shops,
)
from mentora_pipelines.domain.memberships.memberships import MembershipListing
from tests.fix_runs import Connection
from tests.fix_whop import CALM, NewSeller, whop_at
from tests.whop_server import (
    COMPANY,
    Fault,
    Json,
    WhopServer,
    cut,
    drop,
    membership,
    saying,
)


class Hours:
    """One hour after another, over one Whop."""

    def __init__(
        self, listing: MembershipListing, rows: PostgresMemberships, admin: Connection
    ) -> None:
        self._listing = listing
        self._rows = rows
        self._admin = admin

    def __call__(self, *believed: UUID) -> FollowedShops:
        """What an hour comes to."""
        return follow_shops(
            self._listing,
            self._rows,
            clock=lambda: datetime.now(UTC),
            believed=believed,
        )

    def rows(self, creator_id: UUID) -> dict[str, tuple[str, bool]]:
        """Status of each membership, and whether it is closed."""
        found = self._admin.execute(
            "select external_id, status, closed_at is not null from memberships"
            " where creator_id = %s order by external_id",
            [creator_id],
        )
        return {str(name): (str(word), bool(shut)) for name, word, shut in found}


@pytest.fixture
def hour(
    whop_server: WhopServer, membership_rows: PostgresMemberships, admin: Connection
) -> Iterator[Hours]:
    """Hours over the local Whop."""
    with closing(whop_at(whop_server)) as listing:
        yield Hours(listing, membership_rows, admin)


def members(count: int) -> list[Json]:
    """The first so many members."""
    return [membership(number) for number in range(1, count + 1)]


def test_rows_become_what_whop_lists(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller
) -> None:
    """Else who bought is shut out and who left stays; or an hour is not repeatable."""
    seller = new_seller()
    whop_server.memberships = [*members(5), membership(6, user_id=None)]
    told = hour()
    assert (told.shops, told.listed, told.written) == (1, 5, 5)
    assert (told.closed, told.unowned, told.faults) == (0, 1, {})
    before = hour.rows(seller)
    assert before == {f"mem_{n}": ("active", False) for n in range(1, 6)}
    hour()
    assert hour.rows(seller) == before
    whop_server.memberships = [
        *members(2),
        membership(3, status="expired", updated_at="2026-03-01T00:00:00Z"),
        membership(7),
    ]
    told = hour()
    assert (told.listed, told.closed) == (4, 2)
    assert hour.rows(seller) == {
        "mem_1": ("active", False),
        "mem_2": ("active", False),
        "mem_3": ("expired", False),
        "mem_4": ("active", True),
        "mem_5": ("active", True),
        "mem_7": ("active", False),
    }
    # One that is back is open again.
    whop_server.memberships = members(4)
    hour()
    assert hour.rows(seller)["mem_4"] == ("active", False)


def test_a_page_that_was_dropped_closes_nobody(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller
) -> None:
    """Else a hiccup of Whop's paging shuts out a hundred students."""
    seller = new_seller()
    whop_server.memberships = members(6)
    hour()
    # The page of the third and the fourth holds the first once more instead.
    whop_server.listing = lambda page: (
        {**page, "data": members(1)} if page["data"][0]["id"] == "mem_3" else page
    )
    told = hour()
    assert (told.closed, told.unlisted) == (0, 2)
    assert set(hour.rows(seller).values()) == {("active", False)}


@pytest.mark.parametrize("listed", [0, 1], ids=["an empty listing", "a partial one"])
def test_a_listing_that_is_not_credible_closes_nobody(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller, listed: int
) -> None:
    """Else a key that lost its rights shuts out every student of a creator."""
    seller = new_seller()
    whop_server.page_size = 100
    whop_server.memberships = members(CREDIBLE_LOSSES + 2 if listed else 2)
    hour()
    before = hour.rows(seller)
    whop_server.memberships = members(listed)
    told = hour()
    assert "the listing" in told.faults[seller]
    assert told.closed == 0
    assert not told.worth_retrying
    assert hour.rows(seller) == before
    # Somebody who knows that they are gone says so: each is asked for once more.
    assert hour(seller).closed == len(before) - listed


@pytest.mark.parametrize(
    "fault",
    [drop, cut, saying(500), saying(200, b"{")],
    ids=["dropped", "cut", "failed", "broken"],
)
def test_a_listing_that_breaks_off_closes_nobody_and_is_tried_again(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller, fault: Fault
) -> None:
    """Else each outage of Whop's is an outage of every course."""
    seller = new_seller()
    whop_server.memberships = members(3)
    hour()

    def break_off(page: Json) -> Json:
        whop_server.fault = fault
        more = {"has_next_page": True, "end_cursor": "9"}
        return {**page, "page_info": page["page_info"] | more}

    whop_server.memberships = [membership(4)]
    whop_server.listing = break_off
    told = hour()
    assert told.worth_retrying
    assert "eve@" not in told.faults[seller]
    rows = hour.rows(seller)
    assert rows["mem_4"] == ("active", False), "what was read is kept"
    assert all(not shut for _, shut in rows.values())
    whop_server.fault = whop_server.listing = None
    assert hour().closed == 3


def test_one_shop_that_cannot_be_followed_stops_no_other(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller
) -> None:
    """Else one creator's typing mistake leaves everybody's members as they were."""
    broken, seller = new_seller("biz_x/..", ()), new_seller()
    whop_server.memberships = members(1)
    told = hour()
    assert set(told.faults) == {broken}
    assert not told.worth_retrying
    assert set(hour.rows(seller)) == {"mem_1"}


def test_a_creator_who_sells_elsewhere_now_has_other_members(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller, admin: Connection
) -> None:
    """Else members of a company left behind are renewed, and each hour fails."""
    told_at = (
        "select max(granted_at) from memberships where creator_id = %s"
        " and company_id = %s"
    )
    seller = new_seller(products=())
    whop_server.page_size = 100
    count = CREDIBLE_LOSSES + 2
    account = {"id": "biz_new", "route": "new", "title": "Ada"}
    new = membership(count + 1, account=account)
    whop_server.memberships = [*members(count), new]
    assert hour().listed == count
    before = admin.execute(told_at, [seller, COMPANY]).fetchone()
    change = "update creators set settings = %s where id = %s"
    admin.execute(change, [Jsonb({"whop": {"companyId": "biz_new"}}), seller])
    told = hour()
    assert (told.listed, told.unlisted, told.closed, told.faults) == (1, 0, 0, {})
    assert admin.execute(told_at, [seller, COMPANY]).fetchone() == before
    assert admin.execute(told_at, [seller, "biz_new"]).fetchone() != (None,)
    # Back at the first one its members are there, and followed.
    admin.execute(change, [Jsonb({"whop": {"companyId": COMPANY}}), seller])
    whop_server.memberships = members(count - 1)
    assert hour().closed == 1


def test_shops_are_not_asked_for_one_by_one_while_whop_is_away(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller
) -> None:
    """Else an outage costs a minute for each of a thousand creators."""
    for _ in range(AWAY_AFTER + 3):
        new_seller()
    whop_server.fault = drop
    told = hour()
    assert len(told.faults) == AWAY_AFTER + 3
    assert len(whop_server.asked) == AWAY_AFTER * CALM.attempts


def test_two_creators_of_one_company_get_their_own_members(
    hour: Hours, whop_server: WhopServer, new_seller: NewSeller
) -> None:
    """Else a student of one sees the course of the other."""
    ada, bob = new_seller(), new_seller(products=("prod_second",))
    whop_server.memberships = [membership(1), membership(2, product_id="prod_second")]
    hour()
    assert set(hour.rows(ada)) == {"mem_1"}
    assert set(hour.rows(bob)) == {"mem_2"}
