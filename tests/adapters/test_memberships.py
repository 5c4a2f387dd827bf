"""Rows of memberships and answers on the real database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.domain.memberships.last_known import Answer
from mentora_pipelines.domain.memberships.memberships import Membership, Shop
from tests.fix_runs import Connection
from tests.fix_whop import NewSeller
from tests.whop_server import COMPANY, PRODUCT

THEN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(status: str = "active", *, changed: float = 0, at: float = 0) -> Membership:
    """A membership that changed and was told of some hours after `THEN`."""
    return Membership(
        "mem_1",
        "user_1",
        COMPANY,
        PRODUCT,
        status,
        None,
        THEN + changed * HOUR,
        THEN + at * HOUR,
    )


def stored(admin: Connection, creator_id: UUID) -> list[tuple[Any, ...]]:
    """Membership, status, whether it gives access, and whether it is closed."""
    return admin.execute(
        "select external_id, status, granted_at is not null, closed_at is not null"
        " from memberships where creator_id = %s order by external_id",
        [creator_id],
    ).fetchall()


def changes(admin: Connection, creator_id: UUID) -> int:
    """How many changes the cache is told of."""
    row = admin.execute(
        "select count(*) from events"
        " where creator_id = %s and name = 'change/memberships'",
        [creator_id],
    ).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


def test_tellings_in_any_order_end_in_the_same_row(
    membership_rows: PostgresMemberships, new_seller: NewSeller, admin: Connection
) -> None:
    """Else a late delivery opens a course to who has left it."""
    tellings = [
        told(),
        told("past_due", changed=1, at=1),
        told("canceled", changed=2, at=2),
        # Of the same change, told again later, as another word.
        told("expired", changed=2, at=3),
    ]
    for order in permutations(tellings):
        creator_id = new_seller()
        for one in (*order, *order):
            membership_rows.store(creator_id, [one])
        assert stored(admin, creator_id) == [("mem_1", "expired", False, False)]


def test_what_is_told_twice_writes_nothing(
    membership_rows: PostgresMemberships, new_seller: NewSeller
) -> None:
    """Else every repeated delivery empties caches."""
    creator_id = new_seller()
    twice = [told(at=1), told()]
    assert membership_rows.store(creator_id, twice) == 1
    assert membership_rows.store(creator_id, twice) == 0
    assert membership_rows.store(creator_id, []) == 0


def test_a_confirmation_is_no_change_for_the_cache(
    membership_rows: PostgresMemberships, new_seller: NewSeller, admin: Connection
) -> None:
    """Else each hour writes an event for every member, and empties every cache."""
    creator_id = new_seller()
    membership_rows.store(creator_id, [told()])
    assert changes(admin, creator_id) == 1
    assert membership_rows.store(creator_id, [told(at=1)]) == 1
    assert changes(admin, creator_id) == 1
    membership_rows.store(creator_id, [told("canceled", changed=2, at=2)])
    assert changes(admin, creator_id) == 2


def test_an_unknown_word_leaves_the_access_that_was_there(
    membership_rows: PostgresMemberships, new_seller: NewSeller, admin: Connection
) -> None:
    """Else a word that Whop invents shuts a course, or opens one."""
    known, unknown = new_seller(), new_seller()
    membership_rows.store(known, [told()])
    word = told("frobnicated", changed=1, at=1)
    for creator_id in (known, unknown):
        membership_rows.store(creator_id, [word])
    assert stored(admin, known) == [("mem_1", "frobnicated", True, False)]
    assert stored(admin, unknown) == [("mem_1", "frobnicated", False, False)]
    _, (row,) = membership_rows.known(known, "user_1")
    assert row.granted_at == THEN, "the time of the word that was known"
    # To somebody else it was never granted.
    membership_rows.store(
        known, [replace(word, user_id="user_2", told_at=THEN + 2 * HOUR)]
    )
    assert stored(admin, known) == [("mem_1", "frobnicated", False, False)]


def test_a_second_purchase_does_not_hide_behind_the_first(
    membership_rows: PostgresMemberships, new_seller: NewSeller
) -> None:
    """Else who came back is shut out by the purchase that they once canceled."""
    creator_id = new_seller()
    again = replace(told(), id="mem_2")
    membership_rows.store(creator_id, [again, told("canceled", changed=9, at=9)])
    _, rows = membership_rows.known(creator_id, "user_1")
    assert sorted(row.status for row in rows) == ["active", "canceled"]


def test_what_is_closed_is_opened_only_by_news(
    membership_rows: PostgresMemberships, new_seller: NewSeller, admin: Connection
) -> None:
    """Else a delivery that was on its way reopens what is gone."""
    creator_id = new_seller()
    membership_rows.store(creator_id, [told()])
    assert not membership_rows.close(creator_id, "mem_1", THEN - HOUR), "told of since"
    assert membership_rows.close(creator_id, "mem_1", THEN + 2 * HOUR)
    assert not membership_rows.close(creator_id, "mem_1", THEN + 3 * HOUR)
    membership_rows.store(creator_id, [told(changed=1, at=1)])
    assert stored(admin, creator_id) == [("mem_1", "active", False, True)]
    membership_rows.store(creator_id, [told(at=3)])
    assert stored(admin, creator_id) == [("mem_1", "active", True, False)]


def test_what_is_over_gives_no_access_whatever_it_is_called(
    membership_rows: PostgresMemberships, new_seller: NewSeller, admin: Connection
) -> None:
    """Else `membership.deactivated` with an odd status keeps a course open."""
    creator_id = new_seller()
    membership_rows.store(creator_id, [told()])
    over = replace(told("frobnicated", changed=1, at=1), is_over=True)
    membership_rows.store(creator_id, [over])
    assert stored(admin, creator_id) == [("mem_1", "frobnicated", False, True)]


def test_a_creators_members_are_theirs(
    membership_rows: PostgresMemberships, new_seller: NewSeller, admin: Connection
) -> None:
    """Else one creator's listing closes, or opens, another's memberships."""
    ada, bob = new_seller(), new_seller()
    for creator_id in (ada, bob):
        membership_rows.store(creator_id, [told()])
    assert membership_rows.close(ada, "mem_1", THEN)
    assert stored(admin, bob) == [("mem_1", "active", True, False)]
    shop = Shop(bob, COMPANY, (PRODUCT,))
    assert membership_rows.count_open(shop) == 1
    assert membership_rows.unconfirmed(shop, THEN + HOUR, 9) == ["mem_1"]
    assert membership_rows.unconfirmed(shop, THEN, 9) == []
    assert membership_rows.count_open(replace(shop, product_ids=("prod_2",))) == 0
    assert membership_rows.count_open(replace(shop, creator_id=ada)) == 0
    elsewhere = replace(shop, company_id="biz_elsewhere")
    assert membership_rows.count_open(elsewhere) == 0
    assert membership_rows.unconfirmed(elsewhere, THEN + HOUR, 9) == []


def test_the_later_answer_stays(
    membership_rows: PostgresMemberships, new_seller: NewSeller
) -> None:
    """Else a slow question's old yes comes after the no."""
    creator_id = new_seller()
    now = datetime.now(UTC)
    no = Answer(PRODUCT, granted=False, is_staff=False, answered_at=now - HOUR)
    yes = replace(no, granted=True, answered_at=now - 2 * HOUR)
    membership_rows.remember(creator_id, "user_1", [no])
    membership_rows.remember(creator_id, "user_1", [yes])
    assert membership_rows.known(creator_id, "user_1")[0] == [no]
    assert membership_rows.known(creator_id, "user_2")[0] == []
    # From a clock that is days ahead: it must not outlive the next answer.
    ahead = replace(yes, answered_at=now + 48 * HOUR)
    membership_rows.remember(creator_id, "user_1", [ahead])
    (kept,) = membership_rows.known(creator_id, "user_1")[0]
    assert kept.granted
    assert kept.answered_at < now + HOUR


def test_answers_that_no_decision_needs_are_forgotten(
    membership_rows: PostgresMemberships, new_seller: NewSeller
) -> None:
    """Else every stranger who ever asked stays, or a banned member comes back."""
    creator_id = new_seller()
    then = datetime.now(UTC) - timedelta(days=31)
    membership_rows.store(creator_id, [told()])
    for user, granted in (("user_1", False), ("user_2", False), ("user_3", True)):
        said = Answer(PRODUCT, granted=granted, is_staff=False, answered_at=then)
        membership_rows.remember(creator_id, user, [said])
    membership_rows.forget_answers()
    left = [bool(membership_rows.known(creator_id, f"user_{n}")[0]) for n in (1, 2, 3)]
    assert left == [True, False, False]


def test_what_creators_sell_is_found_by_company(
    membership_rows: PostgresMemberships, new_seller: NewSeller, admin: Connection
) -> None:
    """Else a delivery finds no creator, or one malformed shop stops all others."""
    ada = new_seller("biz_found")
    shop = Shop(ada, "biz_found", (PRODUCT,))
    assert membership_rows.shops_of("biz_found") == [shop]
    assert membership_rows.shops_of("biz_other") == []
    assert membership_rows.shop(ada) == shop
    broken = new_seller("biz_broken", ("exp_1",))
    shops, malformed = membership_rows.shops()
    assert shop in shops
    assert broken in malformed
    admin.execute("update creators set settings = '{}' where id = %s", [ada])
    assert membership_rows.shop(ada) is None
    assert membership_rows.shop(UUID(int=0)) is None
