"""The outbox: events wait in it, are handled, or are parked with a reason.

Here belong the life of an event and the rule when it is tried again. Not here: what
an event sets off (`consumers`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

MAX_ATTEMPTS = 14
"""With the pauses below an event is given up after about seventeen hours."""

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=6)

KEEP_EVENTS = timedelta(days=30)
"""Handled ones are kept that long, to be looked at and replayed."""

KEEP_CHANGES = timedelta(days=1)
"""A change row is of no use once the cache has followed it."""


class EventStatus(StrEnum):
    """`pending → done | dead`; a replay makes both of them pending again."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the outbox, its payload as it was written."""

    id: UUID
    name: str
    schema_version: int
    deduplication_key: str
    creator_id: UUID | None
    payload: Mapping[str, object]
    attempts: int
    replays: int
    created_at: datetime

    @property
    def again(self) -> str:
        """Ends the name of a run, so that a replay starts another one."""
        return f"^{self.replays}" if self.replays else ""


class EventOutcome(StrEnum):
    """What became of an event that is done."""

    HANDLED = "handled"
    LAUNCHED = "launched"
    NOTHING_TO_DO = "nothing to do"


@dataclass(frozen=True, slots=True)
class EventCount:
    """How many events of a name are in a status, and since when."""

    name: str
    status: str
    events: int
    oldest: datetime


@runtime_checkable
class HandledEvents(Protocol):
    """Those that nobody waits for."""

    def forget(self) -> int:
        """Delete what was handled long ago; how many events that were."""
        ...


@runtime_checkable
class EventOutbox(Protocol):
    """The queue of events, across creators."""

    def due_events(self, name: str, limit: int) -> list[Event]:
        """Pending events of a name whose time has come, at most `limit`.

        The creators take turns, those of a higher plan first; within one the oldest
        comes first.
        """
        ...

    def finish(self, event_ids: Sequence[UUID], outcome: EventOutcome) -> None:
        """Mark pending events as done."""
        ...

    def record_launches(self, launches: Sequence[tuple[UUID, int]]) -> None:
        """Mark events as launched, each unless it was replayed since (its count)."""
        ...

    def postpone(self, event_id: UUID, until: datetime) -> None:
        """Let an event wait; this is no failed attempt."""
        ...

    def retry(self, event_id: UUID, until: datetime) -> None:
        """Let an event wait after a failed attempt."""
        ...

    def bury(self, event_id: UUID, reason: str) -> None:
        """Park an event as dead until somebody replays it."""
        ...

    def unknown_events(self, known: Sequence[str], limit: int) -> list[UUID]:
        """Pending events whose name nobody knows, at most `limit`."""
        ...

    def launched_within(
        self, name: str, period: timedelta, creator_id: UUID | None = None
    ) -> list[timedelta]:
        """How long ago events of a name started runs in the last `period`.

        By the database's clock, the longest ago first; with `creator_id` those whose
        payload names the creator.
        """
        ...


def pause_after(attempts: int) -> timedelta:
    """How long an event waits after its `attempts`-th failure: it doubles."""
    return min(FIRST_PAUSE * (1 << (attempts - 1)), LONGEST_PAUSE)
