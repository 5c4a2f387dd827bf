"""Changes: rows that database triggers write, and that the cache follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from mentora_pipelines.domain.caching.cache import CacheInvalidator
from mentora_pipelines.domain.caching.invalidation import invalidate_for
from mentora_pipelines.domain.events.outbox import EventOutbox, EventOutcome
from mentora_pipelines.domain.events.payloads import TranscriptionCompleted
from mentora_pipelines.errors import InvalidInput, TransientError

FOLLOWED = (
    "change/creators",
    "change/students",
    "change/videos",
    "change/memberships",
    "change/chat_sessions",
    TranscriptionCompleted.name,
)
"""What makes cached values stale."""

BATCH = 500
"""Changes of one name read in a tick; a tick stays within seconds."""


@dataclass(frozen=True, slots=True)
class FollowedChanges:
    """What one tick came to."""

    changes: int
    entries: int
    buried: tuple[tuple[UUID, str], ...]


def follow_changes(outbox: EventOutbox, cache: CacheInvalidator) -> FollowedChanges:
    """Forget the cached values of what has changed; a row that changed often, once.

    A cache that is away stops the tick: what was not followed stays for the next one.
    """
    changes = entries = 0
    buried: list[tuple[UUID, str]] = []
    for name in FOLLOWED:
        done: list[UUID] = []
        forgotten: set[tuple[object, ...]] = set()
        try:
            for event in outbox.due_events(name, BATCH):
                whose = _whose(event.payload)
                try:
                    if whose not in forgotten:
                        entries += invalidate_for(name, event.payload, cache)
                    forgotten.add(whose)
                    done.append(event.id)
                except InvalidInput as error:
                    buried.append((event.id, str(error)))
        except TransientError:
            return FollowedChanges(changes, entries, _bury(outbox, buried))
        finally:
            if done:
                outbox.finish(done, EventOutcome.HANDLED)
                changes += len(done)
    return FollowedChanges(changes, entries, _bury(outbox, buried))


def _bury(
    outbox: EventOutbox, buried: list[tuple[UUID, str]]
) -> tuple[tuple[UUID, str], ...]:
    for event_id, reason in buried:
        outbox.bury(event_id, reason)
    return tuple(buried)


def _whose(payload: Mapping[str, object]) -> tuple[object, ...]:
    """What the cached copies of the row are named by."""
    return tuple(
        str(payload.get(field)) for field in ("id", "creatorId", "userId", "videoId")
    )
