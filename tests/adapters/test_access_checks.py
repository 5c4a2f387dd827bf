"""Access from end to end: the real SDK, database and cache, and a Whop that errs."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.adapters.whop.memberships import WhopMemberships
from mentora_pipelines.domain.caching.invalidation import on_membership_change
from mentora_pipelines.domain.memberships.access import Access, AccessChecks, Basis
from mentora_pipelines.domain.memberships.last_known import Answer, KnownMembership
from mentora_pipelines.domain.memberships.memberships import (
    Membership,
    MembershipsOff,
    Shop,
)
from mentora_pipelines.errors import InvalidInput, TransientError
from tests.adapters.test_whop import FAULTS
from tests.fix_cache import OpenCache, open_test_cache
from tests.fix_runs import Connection
from tests.fix_valkey import StartValkey, ValkeyProcess
from tests.fix_whop import NewSeller, whop_at
from tests.whop_server import COMPANY, PRODUCT, Fault, WhopServer, drop, saying

HOUR = timedelta(hours=1)

UNCLEAR: dict[str, Fault] = {
    **{name: fault for name, (fault, _) in FAULTS.items()},
    "an unknown level": saying(200, b'{"has_access": true, "access_level": "vip"}'),
    "a yes without access": saying(
        200, b'{"has_access": true, "access_level": "no_access"}'
    ),
    "a no with access": saying(200, b'{"has_access": false, "access_level": "admin"}'),
}


@dataclass
class Desk:
    """Checks over real parts, at a time that a test may move."""

    checks: AccessChecks
    cache: OpenCache
    creator_id: UUID
    ahead: timedelta = timedelta()

    def access(self, user: str = "user_1") -> Access:
        """Whether a user may see what the creator sells."""
        return self.checks.access(self.creator_id, user)

    def expire(self, user: str = "user_1") -> None:
        """As if the five minutes of the cache were over."""
        on_membership_change(self.cache.cache, self.creator_id, user)

    def after(self, ahead: timedelta) -> None:
        """Let time pass."""
        self.ahead = ahead


@pytest.fixture(scope="module")
def one_cache(
    valkey_cache: ValkeyProcess, valkey_coordination: ValkeyProcess
) -> Iterator[OpenCache]:
    """A cache of this module's own."""
    with open_test_cache(valkey_cache, valkey_coordination) as opened:
        yield opened


@pytest.fixture
def desk(
    whop_server: WhopServer,
    membership_rows: PostgresMemberships,
    one_cache: OpenCache,
    new_seller: NewSeller,
) -> Iterator[Desk]:
    """Checks about a creator's one product."""
    with closing(whop_at(whop_server)) as whop:
        yield desk_over(whop, membership_rows, one_cache, new_seller())


def desk_over(
    whop: WhopMemberships,
    ledger: PostgresMemberships,
    cache: OpenCache,
    creator_id: UUID,
) -> Desk:
    """Checks over these parts, whose clock is the desk's."""

    def clock() -> datetime:
        return datetime.now(UTC) + made.ahead

    made = Desk(AccessChecks(whop, ledger, cache.cache, clock), cache, creator_id)
    return made


def test_an_answer_is_asked_for_once_in_five_minutes(
    desk: Desk, whop_server: WhopServer
) -> None:
    """Else each page asks Whop, which soon refuses to answer."""
    whop_server.grants("user_1")
    whop_server.grants("user_2", has=False, level="no_access")
    for _ in range(3):
        yes, no = desk.access(), desk.access("user_2")
        assert (yes.granted, yes.basis, yes.resources) == (True, "whop", (PRODUCT,))
        assert (no.granted, no.basis, no.resources) == (False, "whop", ())
    assert len(whop_server.asked) == 2
    name = f"membership:{desk.creator_id}:user_1"
    left = desk.cache.values.ttl(f"{desk.cache.prefix}{name}")
    assert isinstance(left, int)
    assert 200 < left <= 300


@pytest.mark.parametrize("case", UNCLEAR)
def test_no_fault_gives_an_access_or_takes_one(
    desk: Desk, whop_server: WhopServer, hasty_whop: WhopMemberships, case: str
) -> None:
    """Else an outage opens every course, or shuts out everybody who paid."""
    whop_server.grants("user_1")
    assert desk.access().granted
    desk.expire()
    whop_server.fault = UNCLEAR[case]
    patient, desk.checks = desk.checks, replace(desk.checks, desk=hasty_whop)
    kept, new = desk.access(), desk.access("user_2")
    assert (kept.granted, kept.basis) == (True, Basis.LAST_KNOWN)
    assert (new.granted, new.basis) == (False, Basis.NOTHING_KNOWN)
    # Neither was cached: as soon as Whop answers, it decides.
    whop_server.fault, desk.checks = None, patient
    whop_server.grants("user_1", has=False, level="no_access")
    whop_server.grants("user_2")
    assert not desk.access().granted
    assert desk.access("user_2").granted


def test_the_last_known_answer_counts_for_a_day_and_no_longer(
    desk: Desk, whop_server: WhopServer
) -> None:
    """Else an outage is a free course for ever."""
    whop_server.grants("user_1")
    told = desk.access().answered_at
    assert told is not None
    whop_server.fault = drop
    desk.expire()
    for hours, granted in ((23.9, True), (24.1, False), (1, True)):
        desk.after(hours * HOUR)
        found = desk.access()
        assert found.granted is granted
    assert found.answered_at == told, "an outage makes no answer younger"


def test_a_no_is_taken_at_once_and_outlives_a_fault(
    desk: Desk, whop_server: WhopServer
) -> None:
    """Else who was refused comes back with the next outage."""
    whop_server.grants("user_1")
    assert desk.access().granted
    desk.expire()
    whop_server.grants("user_1", has=False, level="no_access")
    assert not desk.access().granted
    desk.expire()
    whop_server.fault = drop
    assert desk.access() == Access(granted=False, basis=Basis.NOTHING_KNOWN)


AGE = """
update membership_answers set answered_at = answered_at - %(by)s
where creator_id = %(creator_id)s
"""


def test_over_any_history_an_unclear_answer_repeats_the_last_clear_one(
    desk: Desk, whop_server: WhopServer, admin: Connection
) -> None:
    """Else some order of outages and answers opens a course, or shuts one early."""
    unclear = [drop, saying(503), saying(200, b"{"), UNCLEAR["an unknown level"]]
    history = random.Random(23)  # noqa: S311  (a history, no secret)
    last_yes_hours: float | None = None
    kept = denied = 0
    for _ in range(60):
        passed = history.choice([0, 0.5, 9, 26])
        admin.execute(
            AGE, {"creator_id": desk.creator_id, "by": timedelta(hours=passed)}
        )
        desk.expire()
        if last_yes_hours is not None:
            last_yes_hours += passed
        match history.choice(["yes", "no", "unclear", "unclear", "unclear"]):
            case "yes":
                whop_server.fault, last_yes_hours = None, 0
                whop_server.grants("user_1")
                assert desk.access().granted
            case "no":
                whop_server.fault, last_yes_hours = None, None
                whop_server.grants("user_1", has=False, level="no_access")
                assert not desk.access().granted
            case _:
                whop_server.fault = history.choice(unclear)
                expected = last_yes_hours is not None and last_yes_hours < 24
                assert desk.access().granted is expected
                kept, denied = kept + expected, denied + (not expected)
    assert min(kept, denied) > 8, "both happened often"


def test_a_listed_membership_is_known_though_nobody_asked(
    desk: Desk,
    whop_server: WhopServer,
    membership_rows: PostgresMemberships,
) -> None:
    """Else a student who comes first during an outage is shut out; or stays in."""
    now = datetime.now(UTC)
    then = now - HOUR
    one = Membership("mem_1", "user_1", COMPANY, PRODUCT, "active", None, then, then)
    membership_rows.store(desk.creator_id, [one])
    whop_server.fault = drop
    assert desk.access().basis is Basis.LAST_KNOWN
    over = replace(one, status="canceled", changed_at=now, told_at=now)
    membership_rows.store(desk.creator_id, [over])
    assert not desk.access().granted


def test_a_membership_of_another_company_opens_nothing(
    whop_server: WhopServer,
    membership_rows: PostgresMemberships,
    one_cache: OpenCache,
    new_seller: NewSeller,
) -> None:
    """Else a stranger's members get in, once a creator mistyped a company's id."""
    then = datetime.now(UTC) - HOUR
    with closing(whop_at(whop_server)) as whop:
        desk = desk_over(whop, membership_rows, one_cache, new_seller(products=()))
        for number, company in enumerate((COMPANY, "biz_stranger"), 1):
            one = Membership(
                f"mem_{number}",
                f"user_{number}",
                company,
                PRODUCT,
                "active",
                None,
                then,
                then,
            )
            membership_rows.store(desk.creator_id, [one])
        whop_server.fault = drop
        assert desk.access("user_1").granted
        assert not desk.access("user_2").granted


def test_some_products_may_be_known_and_others_told(
    whop_server: WhopServer,
    membership_rows: PostgresMemberships,
    one_cache: OpenCache,
    new_seller: NewSeller,
) -> None:
    """Else one product that Whop is silent about hides, or caches away, the others."""
    seller = new_seller(products=(PRODUCT, "prod_second"))
    with closing(whop_at(whop_server)) as whop:
        desk = desk_over(whop, membership_rows, one_cache, seller)
        whop_server.grants("user_1")
        # The second is unknown to Whop (404): no clear no.
        first = desk.access()
        assert (first.granted, first.resources) == (True, (PRODUCT,))
        asked = len(whop_server.asked)
        desk.access()
        assert len(whop_server.asked) == asked + 2, "not cached: half an answer"
        no = {"has_access": False, "access_level": "no_access"}
        whop_server.access["user_1", "prod_second"] = no
        assert desk.access().granted
        desk.access()
        assert len(whop_server.asked) == asked + 4


def test_nothing_is_asked_about_a_creator_who_sells_nothing(
    desk: Desk, whop_server: WhopServer, admin: Connection
) -> None:
    """Else a creator without a shop is open to everybody, or costs requests."""
    admin.execute(
        "update creators set settings = '{}' where id = %s", [desk.creator_id]
    )
    assert desk.access() == Access(granted=False, basis=Basis.NOTHING_SOLD)
    assert whop_server.asked == []
    with pytest.raises(InvalidInput):
        desk.access("me")


def test_memberships_that_are_off_open_nothing(desk: Desk) -> None:
    """Else a deployment that lost its key gives every course away."""
    checks = replace(desk.checks, desk=MembershipsOff())
    found = checks.access(desk.creator_id, "user_1")
    assert found == Access(granted=False, basis=Basis.OFF)


class Forgetful:
    """Satisfies `AccessLedger`: keeps nothing, as a read-only database."""

    def __init__(self, kept: PostgresMemberships) -> None:
        self._kept = kept

    def shop(self, creator_id: UUID) -> Shop | None:
        """As it is."""
        return self._kept.shop(creator_id)

    def remember(
        self, creator_id: UUID, user_id: str, answers: Sequence[Answer]
    ) -> None:
        """Fails."""
        raise TransientError(f"read-only: {creator_id} {user_id} {answers}")

    def known(
        self, creator_id: UUID, user_id: str
    ) -> tuple[list[Answer], list[KnownMembership]]:
        """As it is."""
        return self._kept.known(creator_id, user_id)


def test_an_answer_that_cannot_be_kept_still_counts(
    desk: Desk, whop_server: WhopServer, membership_rows: PostgresMemberships
) -> None:
    """Else a database that is read-only shuts out everybody; or a no is forgotten."""
    desk.checks = replace(desk.checks, ledger=Forgetful(membership_rows))
    whop_server.grants("user_1")
    whop_server.grants("user_2", has=False, level="no_access")
    for _ in range(2):
        assert desk.access().granted
        assert not desk.access("user_2").granted
    # The no is asked for again, so that it is kept when that is possible.
    assert [path.split("/")[2] for path in whop_server.asked] == [
        "user_1",
        "user_2",
        "user_2",
    ]


def test_a_cache_that_is_away_changes_no_answer(
    desk: Desk,
    whop_server: WhopServer,
    start_valkey: StartValkey,
) -> None:
    """Else Redis decides who may see a course."""
    away = start_valkey()
    with open_test_cache(away, away, timeout_s=0.2) as opened:
        away.kill()
        checks = replace(desk.checks, cache=opened.cache)
        whop_server.grants("user_1")
        whop_server.grants("user_2", has=False, level="no_access")
        assert checks.access(desk.creator_id, "user_1").granted
        assert not checks.access(desk.creator_id, "user_2").granted
