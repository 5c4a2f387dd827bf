"""Achievements: what it takes to grant one, once.

Here belongs the verdict on one event. Not here: SQL, or the fields of the event.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from pydantic import ValidationError

from mentora_pipelines.domain.events.payloads import AchievementUnlocked
from mentora_pipelines.errors import PermanentError, TransientError

BATCH_EVENTS = 500
"""Events of one run: a few milliseconds each."""

MAX_ATTEMPTS = 8
FIRST_DELAY_S = 30
"""30 seconds, doubled: an hour in all, for a student whose row somebody holds."""


class DeadReason(StrEnum):
    """Why an event can never be granted; goes to `events.dead_reason`."""

    MALFORMED = "the payload is malformed"
    UNKNOWN_STUDENT = "there is no such student"
    UNKNOWN_ACHIEVEMENT = "there is no such achievement"
    WRONG_CREATOR = "the event, the student and the achievement are of two creators"
    REFUSED = "the database refuses it, as more points than a student can have"
    TRIED_TOO_OFTEN = "tried too often"


class Verdict(StrEnum):
    """What became of one event."""

    GRANTED = "granted"
    REPEATED = "repeated"
    DEAD = "dead"
    LATER = "later"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class UnlockFigures:
    """Events by what became of them; `gone`: another run had them."""

    granted: int
    repeated: int
    dead: int
    later: int
    gone: int


@runtime_checkable
class AchievementLedger(Protocol):
    """Events about unlocked achievements, and the rows that they change."""

    def has_due(self) -> bool:
        """Whether an event is due."""
        ...

    def due(self, limit: int) -> list[UUID]:
        """Ids of at most `limit` due events, oldest first."""
        ...

    def grant(self, event_id: UUID) -> Verdict:
        """Grant what an event says and mark it done, or give it up with a reason.

        All in one transaction. GONE: it is not due any more, or another run has it.
        """
        ...

    def give_up(self, event_id: UUID, reason: DeadReason) -> None:
        """Mark an event dead."""
        ...

    def postpone(self, event_id: UUID) -> Verdict:
        """Try an event again LATER; after `MAX_ATTEMPTS` it is DEAD."""
        ...


def parse_unlocked(payload: Mapping[str, object]) -> AchievementUnlocked | None:
    """The typed payload; None when it is malformed."""
    try:
        return AchievementUnlocked.model_validate(payload)
    except ValidationError:
        return None


def unlock_due(ledger: AchievementLedger) -> UnlockFigures:
    """Grant one batch of what is due; an event that fails stops no other.

    Raises `TransientError` when the database is away.
    """
    verdicts = Counter(
        unlock(ledger, event_id) for event_id in ledger.due(BATCH_EVENTS)
    )
    return UnlockFigures(
        verdicts[Verdict.GRANTED],
        verdicts[Verdict.REPEATED],
        verdicts[Verdict.DEAD],
        verdicts[Verdict.LATER],
        verdicts[Verdict.GONE],
    )


def unlock(ledger: AchievementLedger, event_id: UUID) -> Verdict:
    """What became of one event."""
    try:
        return ledger.grant(event_id)
    except TransientError:
        # A row held by somebody is this event's trouble; with the database away this
        # fails as well, and ends the batch.
        return ledger.postpone(event_id)
    except PermanentError:
        ledger.give_up(event_id, DeadReason.REFUSED)
        return Verdict.DEAD


def delay_s(attempts: int) -> int:
    """Seconds to wait after the `attempts`-th attempt (from 1) has failed."""
    return int(FIRST_DELAY_S * 2 ** (attempts - 1))
