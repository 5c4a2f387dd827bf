"""Statuses, shops, the last known answer, and what a delivery says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from mentora_pipelines.domain.caching.cache import Entity
from mentora_pipelines.domain.events.payloads import MembershipChanged
from mentora_pipelines.domain.memberships.deliveries import (
    DeliveryOutcome,
    take_delivery,
)
from mentora_pipelines.domain.memberships.last_known import (
    Answer,
    KnownMembership,
    last_yes,
)
from mentora_pipelines.domain.memberships.memberships import (
    MAX_PRODUCTS,
    Shop,
    parse_shop,
)
from mentora_pipelines.domain.memberships.statuses import (
    DENYING,
    GRANTING,
    Standing,
    standing_of,
)
from mentora_pipelines.errors import InvalidInput, TransientError
from tests.lessons import CREATOR_ID

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GRACE = 24 * HOUR


def test_only_listed_words_give_access() -> None:
    """Else a word that Whop invents lets everybody in."""
    assert {standing_of(word) for word in GRANTING} == {Standing.GRANTS}
    assert {standing_of(word) for word in DENYING} == {Standing.DENIES}
    for word in ("", "Active", "active ", "paused", "frobnicated"):
        assert standing_of(word) is Standing.UNKNOWN


def test_what_a_creator_sells_is_read_from_their_settings() -> None:
    """Else access is asked for at somebody else's company."""
    assert parse_shop(CREATOR_ID, {"plan": "pro"}) is None
    assert parse_shop(CREATOR_ID, {"whop": None}) is None
    named = {"companyId": "biz_1", "productIds": ["prod_1", "prod_2", "prod_1"]}
    shop = parse_shop(CREATOR_ID, {"whop": named})
    assert shop == Shop(CREATOR_ID, "biz_1", ("prod_1", "prod_2"))
    assert shop.resources == ("prod_1", "prod_2")
    assert shop.sells("prod_1")
    assert not shop.sells("prod_3")
    whole = parse_shop(CREATOR_ID, {"whop": {"companyId": "biz_1"}})
    assert whole is not None
    assert whole.resources == ("biz_1",)
    assert whole.sells("prod_3")


@pytest.mark.parametrize(
    "settings",
    [
        "biz_1",
        {},
        {"companyId": "me"},
        {"companyId": "biz_1/../me"},
        {"companyId": "biz_1", "productIds": "prod_1"},
        {"companyId": "biz_1", "productIds": ["exp_1"]},
        {"companyId": "biz_1", "productIds": [1]},
        {
            "companyId": "biz_1",
            "productIds": [f"prod_{number}" for number in range(MAX_PRODUCTS + 1)],
        },
    ],
)
def test_malformed_settings_sell_nothing(settings: object) -> None:
    """Else a typing mistake becomes a question that Whop answers with yes."""
    with pytest.raises(InvalidInput, match=r"settings\.whop"):
        parse_shop(CREATOR_ID, {"whop": settings})


def answer(*, granted: bool, hours_ago: float, is_staff: bool = False) -> Answer:
    """What the access check said some hours ago."""
    told_at = NOW - hours_ago * HOUR
    return Answer("prod_1", granted=granted, is_staff=is_staff, answered_at=told_at)


def member(
    status: str = "active",
    *,
    told: float | None = 1,
    changed: float = 48,
    closed: float | None = None,
    ends: float | None = None,
) -> KnownMembership:
    """A stored membership; all in hours before now, `ends` in hours after."""
    return KnownMembership(
        "biz_1",
        "prod_1",
        status,
        None if told is None else NOW - told * HOUR,
        NOW - changed * HOUR,
        None if closed is None else NOW - closed * HOUR,
        None if ends is None else NOW + ends * HOUR,
    )


def known(answer: Answer | None, *memberships: KnownMembership) -> bool:
    """Whether what is known gives access."""
    found = last_yes(answer, memberships, now=NOW, grace=GRACE)
    return found is not None


KNOWN = {
    "nothing was ever known": (None, [], False),
    "a yes": (answer(granted=True, hours_ago=23), [], True),
    "a yes too long ago": (answer(granted=True, hours_ago=25), [], False),
    "a no": (answer(granted=False, hours_ago=1), [], False),
    "a membership": (None, [member()], True),
    "a membership told of too long ago": (None, [member(told=25)], False),
    "a membership that is over": (None, [member("canceled", told=None)], False),
    "a closed one": (None, [member(closed=1)], False),
    "one that has ended since": (None, [member(ends=-1)], False),
    "one that ends soon": (None, [member("canceling", ends=1)], True),
    "an unknown word, after one that gave access": (None, [member("new")], True),
    "an unknown word alone": (None, [member("new", told=None)], False),
    "two purchases, one over": (None, [member("canceled", told=None), member()], True),
    "a no outweighs an older membership": (
        answer(granted=False, hours_ago=2),
        [member(told=1, changed=48)],
        False,
    ),
    "a purchase after a no": (
        answer(granted=False, hours_ago=2),
        [member(changed=1)],
        True,
    ),
    "a yes, then canceled": (
        answer(granted=True, hours_ago=2),
        [member("canceled", told=None, changed=1)],
        False,
    ),
    "canceled, then a yes": (
        answer(granted=True, hours_ago=1),
        [member("canceled", told=None, changed=2)],
        True,
    ),
    "a yes, then closed": (
        answer(granted=True, hours_ago=2),
        [member(told=None, closed=1)],
        False,
    ),
    "a yes that ended with its time": (
        answer(granted=True, hours_ago=2),
        [member(told=3, ends=-1)],
        False,
    ),
    "the team's yes": (
        answer(granted=True, hours_ago=2, is_staff=True),
        [member("canceled", told=None, changed=1)],
        True,
    ),
}


@pytest.mark.parametrize("case", KNOWN)
def test_the_latest_word_counts_for_a_bounded_time(case: str) -> None:
    """Else an outage shuts out who paid, or lets in who does not any more."""
    said, memberships, granted = KNOWN[case]
    assert known(said, *memberships) is granted


def test_no_time_counts_longer_than_its_bound() -> None:
    """Else a yes of last year opens a course today."""
    for minutes in range(0, 30 * 60, 7):
        then = NOW - timedelta(minutes=minutes)
        said = replace(answer(granted=True, hours_ago=0), answered_at=then)
        row = replace(member(), granted_at=then)
        assert known(said) is known(None, row) is (minutes <= 24 * 60)


class Inbox:
    """Satisfies `DeliveryRows` and `CacheInvalidator`."""

    def __init__(self, *shops: Shop) -> None:
        self.shops = shops
        self.events: dict[str, MembershipChanged] = {}
        self.forgotten: list[str] = []
        self.cache_is_away = False

    def shops_of(self, company_id: str) -> list[Shop]:
        """Those of the company."""
        return [shop for shop in self.shops if shop.company_id == company_id]

    def record(self, key: str, changed: MembershipChanged) -> bool:
        """Keep it, once."""
        return self.events.setdefault(key, changed) is changed

    def invalidate(self, entities: Sequence[Entity]) -> int:
        """Remember what was forgotten."""
        if self.cache_is_away:
            raise TransientError("cache: away")
        self.forgotten += [name for entity in entities for name in entity.keys]
        return len(entities)

    def take(self, delivery: dict[str, Any], delivery_id: str = "1") -> DeliveryOutcome:
        """What becomes of a delivery."""
        return take_delivery(delivery_id, delivery, self, self)


NEWER: dict[str, Any] = {
    "id": "mem_1",
    "user_id": "user_1",
    "product_id": "prod_1",
    "account": {"id": "biz_1", "title": "Ada"},
    "status": "active",
    "updated_at": "2026-11-23T10:00:00.401Z",
    "current_period_end": "2026-12-23T10:00:00Z",
    "cancel_at_period_end": True,
    "phone_number": "eve@tests.example",
}
OLDER: dict[str, Any] = {
    "id": "mem_1",
    "user": {"id": "user_1", "name": "Eve", "email": "eve@tests.example"},
    "product": {"id": "prod_1", "title": "A course"},
    "company": {"id": "biz_1", "title": "Ada"},
    "status": "active",
    "updated_at": "2026-11-23T10:00:00.401Z",
    "renewal_period_end": "2026-12-23T10:00:00Z",
    "cancel_at_period_end": True,
}


def delivery(kind: str = "membership.updated", **data: object) -> dict[str, Any]:
    """A delivery in the newer shape."""
    return {
        "id": "msg_1",
        "api_version": "v1",
        "type": kind,
        "timestamp": "2026-11-23T10:00:01.000Z",
        "account_id": "biz_1",
        "data": NEWER | data,
    }


SHOP = Shop(CREATOR_ID, "biz_1", ("prod_1",))


@pytest.mark.parametrize("data", [NEWER, OLDER], ids=["newer shape", "older shape"])
def test_a_delivery_becomes_one_event_without_a_name(data: dict[str, Any]) -> None:
    """Else a purchase waits for the next hour, or the outbox holds addresses."""
    inbox = Inbox(SHOP)
    told = delivery() | {"data": data}
    del told["account_id"]
    assert inbox.take(told) is DeliveryOutcome.RECORDED
    assert inbox.take(told) is DeliveryOutcome.REPEATED
    (event,) = inbox.events.values()
    assert event.on_the_wire() == {
        "creatorId": str(CREATOR_ID),
        "membershipId": "mem_1",
        "userId": "user_1",
        "companyId": "biz_1",
        "productId": "prod_1",
        "status": "active",
        "isOver": False,
        "validUntil": "2026-12-23T10:00:00Z",
        "changedAt": "2026-11-23T10:00:00.401000Z",
        "toldAt": "2026-11-23T10:00:01Z",
    }
    assert set(inbox.forgotten) == {f"membership:{CREATOR_ID}:user_1"}


def test_a_deactivated_membership_is_over_whatever_its_status_is() -> None:
    """Else who was shut out at Whop stays in here."""
    inbox = Inbox(SHOP)
    inbox.take(delivery("membership.deactivated", status="frobnicated"))
    (event,) = inbox.events.values()
    assert event.is_over


@pytest.mark.parametrize(
    "told",
    [
        delivery("payment.succeeded"),
        delivery("membership.trial_ending_soon"),
        delivery(user_id=None),
        delivery(product_id="prod_2"),
        delivery() | {"account_id": "biz_2"},
    ],
    ids=["a payment", "a reminder", "nobody's", "another product", "a stranger"],
)
def test_what_is_none_of_ours_is_ignored(told: dict[str, Any]) -> None:
    """Else Whop sends it again for days, and then turns our endpoint off."""
    inbox = Inbox(SHOP)
    assert inbox.take(told) is DeliveryOutcome.IGNORED
    assert inbox.events == {}


@pytest.mark.parametrize(
    "told",
    [
        delivery(status=""),
        delivery(updated_at="eve@tests.example"),
        delivery(user_id="eve@tests.example"),
        delivery(id=None),
        delivery() | {"timestamp": "2026-11-23T10:00:01"},
        delivery() | {"data": "eve@tests.example"},
    ],
)
def test_what_is_malformed_is_refused_without_quoting_it(told: dict[str, Any]) -> None:
    """Else a membership is stored that nobody has, or a log names a student."""
    inbox = Inbox(SHOP)
    with pytest.raises(InvalidInput) as refused:
        inbox.take(told)
    assert "eve" not in f"{refused.value}"
    assert refused.value.__cause__ is None
    assert inbox.events == {}


def test_a_delivery_concerns_every_creator_who_sells_its_product() -> None:
    """Else one creator's students lose another's course.

    Or settings of one that name another's product stop the deliveries of both.
    """
    bob, all_of_it = Shop(uuid4(), "biz_1", ("prod_2",)), Shop(uuid4(), "biz_1")
    copied = Shop(uuid4(), "biz_1", ("prod_1",))
    inbox = Inbox(SHOP, bob, all_of_it, copied)
    for product, sellers in (
        ("prod_1", [SHOP, all_of_it, copied]),
        ("prod_2", [bob, all_of_it]),
        ("prod_3", [all_of_it]),
    ):
        inbox.events.clear()
        told = delivery(product_id=product)
        assert inbox.take(told) is DeliveryOutcome.RECORDED
        assert inbox.take(told) is DeliveryOutcome.REPEATED
        told_of = [event.creator_id for event in inbox.events.values()]
        assert told_of == [shop.creator_id for shop in sellers]


def test_a_cache_that_is_away_costs_no_delivery() -> None:
    """Else a purchase is lost, or told again and again, while Redis restarts."""
    inbox = Inbox(SHOP)
    inbox.cache_is_away = True
    assert inbox.take(delivery()) is DeliveryOutcome.RECORDED
