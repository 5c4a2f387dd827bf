"""Access: whether a user may see what a creator sells.

Whop's access check decides, and its answer is remembered: in the cache for minutes, in
the database for when Whop does not say. Not here: what counts then (`last_known`).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.cache import Cache
from mentora_pipelines.domain.caching.codecs import JsonCodec
from mentora_pipelines.domain.memberships.last_known import (
    Answer,
    KnownMembership,
    last_yes,
)
from mentora_pipelines.domain.memberships.memberships import Shop, parse_user_id
from mentora_pipelines.errors import MentoraError, TransientError

logger = logging.getLogger(__name__)

LOG_EVERY = timedelta(seconds=10)
"""Often enough to be seen, rarely enough not to fill a disk in an outage."""

WAIT_S = 1.0
"""How long a caller waits for another who asks Whop the same: a person is waiting."""


class Basis(StrEnum):
    """What an access decision rests on."""

    WHOP = "whop"
    LAST_KNOWN = "last known"
    NOTHING_KNOWN = "nothing known"
    NOTHING_SOLD = "nothing sold"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a user may see what a creator sells.

    `resources` are the products (or the company) that the user has access to, and
    `answered_at` is when Whop last said so.
    """

    granted: bool
    basis: Basis
    resources: tuple[str, ...] = ()
    answered_at: datetime | None = None


CODEC = JsonCodec[Access](Access, schema_version=1)


@runtime_checkable
class AccessDesk(Protocol):
    """Who is asked about access."""

    @property
    def off_because(self) -> str | None:
        """Why memberships are off, None when they are on."""
        ...

    def has_access(self, user_id: str, resource_id: str) -> Answer:
        """What Whop says; raises `MentoraError` for anything but a clear yes or no."""
        ...


@runtime_checkable
class AccessLedger(Protocol):
    """What is known of creators and their members; raises `TransientError`."""

    def shop(self, creator_id: UUID) -> Shop | None:
        """What a creator sells; None for nothing.

        Raises `InvalidInput` for malformed settings.
        """
        ...

    def remember(
        self, creator_id: UUID, user_id: str, answers: Sequence[Answer]
    ) -> None:
        """Keep answers, each unless a later one is kept."""
        ...

    def known(
        self, creator_id: UUID, user_id: str
    ) -> tuple[list[Answer], list[KnownMembership]]:
        """The kept answers and memberships of a user."""
        ...


class _NotForTheCache(Exception):
    """Carries a decision past the cache; never leaves this module."""

    def __init__(self, access: Access) -> None:
        super().__init__(access.basis)
        self.access = access


@dataclass
class _Quiet:
    """Until when nothing more is logged."""

    until: datetime | None = None


@dataclass(frozen=True)
class AccessChecks:
    """Decides about access; `grace` is how long a yes counts when Whop does not say."""

    desk: AccessDesk
    ledger: AccessLedger
    cache: Cache
    clock: Callable[[], datetime]
    grace: timedelta = timedelta(hours=24)
    _quiet: _Quiet = field(default_factory=_Quiet, init=False)

    def access(self, creator_id: UUID, user_id: str) -> Access:
        """Whether a user has access to anything that a creator sells; else no.

        At most five minutes old (the cache's time) while Whop answers, and asked anew
        after a change that an invalidation has followed. Raises `InvalidInput` for what
        is no user's id and for malformed settings, and `TransientError` when the
        database is away: both mean no access.
        """
        user_id = parse_user_id(user_id)
        if self.desk.off_because is not None:
            return Access(granted=False, basis=Basis.OFF)
        key = keys.membership(creator_id, user_id).holding(CODEC)
        try:
            return self.cache.get_or_compute(
                key, lambda: self._ask(creator_id, user_id), wait_s=WAIT_S
            )
        except _NotForTheCache as decision:
            return decision.access

    def _ask(self, creator_id: UUID, user_id: str) -> Access:
        """What Whop says; raises `_NotForTheCache` for any other decision."""
        shop = self.ledger.shop(creator_id)
        if shop is None:
            raise _NotForTheCache(Access(granted=False, basis=Basis.NOTHING_SOLD))
        answers: dict[str, Answer] = {}
        for resource_id in shop.resources:
            try:
                answers[resource_id] = self.desk.has_access(user_id, resource_id)
            except MentoraError as error:
                self._tell("memberships: the last known answer counts", error)
        kept = self._remember(creator_id, user_id, list(answers.values()))
        if len(answers) < len(shop.resources):
            raise _NotForTheCache(self._last_known(shop, user_id, answers))
        access = _told(answers)
        if not kept and not access.granted:
            # Cached, it would never be written; an older yes would come back.
            raise _NotForTheCache(access)
        return access

    def _remember(
        self, creator_id: UUID, user_id: str, answers: Sequence[Answer]
    ) -> bool:
        if not answers:
            return True
        try:
            self.ledger.remember(creator_id, user_id, answers)
        except TransientError as error:
            self._tell("memberships: an answer was not kept", error)
            return False
        return True

    def _tell(self, sentence: str, error: MentoraError) -> None:
        now = self.clock()
        if self._quiet.until is None or now >= self._quiet.until:
            self._quiet.until = now + LOG_EVERY
            logger.warning("%s: %s", sentence, error)

    def _last_known(
        self, shop: Shop, user_id: str, answers: dict[str, Answer]
    ) -> Access:
        """The decision for a user about whom Whop did not say all."""
        live = _told(answers)
        now = self.clock()
        stored, memberships = self.ledger.known(shop.creator_id, user_id)
        by_resource = {answer.resource_id: answer for answer in stored}
        times: dict[str, datetime] = {}
        for resource_id in shop.resources:
            if resource_id in answers:
                continue
            about = [
                one
                for one in memberships
                # The creator may have sold elsewhere before.
                if one.company_id == shop.company_id
                and resource_id in (one.product_id, one.company_id)
            ]
            told_at = last_yes(
                by_resource.get(resource_id), about, now=now, grace=self.grace
            )
            if told_at is not None:
                times[resource_id] = told_at
        if live.granted:
            return Access(
                granted=True,
                basis=Basis.WHOP,
                resources=(*live.resources, *times),
                answered_at=live.answered_at,
            )
        if times:
            return Access(
                granted=True,
                basis=Basis.LAST_KNOWN,
                resources=tuple(times),
                answered_at=max(times.values()),
            )
        return Access(granted=False, basis=Basis.NOTHING_KNOWN)


def _told(answers: dict[str, Answer]) -> Access:
    """What the answers come to: access to anything is access."""
    granted = tuple(name for name, answer in answers.items() if answer.granted)
    return Access(
        granted=bool(granted),
        basis=Basis.WHOP,
        resources=granted,
        answered_at=max((one.answered_at for one in answers.values()), default=None),
    )
