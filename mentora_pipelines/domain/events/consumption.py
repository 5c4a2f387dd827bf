"""Consumption: one bounded tick over the outbox.

Here belongs what happens to an event whatever it says: handled, launched, tried
again, parked. Not here: what it sets off (`consumers`).

A run is launched by whoever called the tick, after it: so an event that wants one
stays pending until the next tick is told that the launch is recorded. Cut off in
between, it is asked for again, under the same key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from mentora_pipelines.domain.events.effects import Effect, Launch, Stay, Wait
from mentora_pipelines.domain.events.outbox import (
    MAX_ATTEMPTS,
    Event,
    EventOutbox,
    EventOutcome,
    pause_after,
)
from mentora_pipelines.domain.events.payloads import PAYLOADS, parse_payload
from mentora_pipelines.errors import Conflict, InvalidInput, NotFound, PermanentError

BATCH = 100
"""Events of one name read in a tick: it stays within a second, the rest wait."""

Consumer: TypeAlias = Callable[[Event, Any], Effect]
"""Takes an event and its payload, of the class that `PAYLOADS` names for it."""


@dataclass(frozen=True, slots=True)
class EventTick:
    """What one tick came to; `launches` are to be made by the caller."""

    launches: tuple[tuple[Event, Launch], ...]
    handled: int
    retried: int
    buried: tuple[tuple[UUID, str], ...]


def consume_events(
    outbox: EventOutbox,
    consumers: Mapping[str, Consumer],
    *,
    launched: Sequence[tuple[UUID, int]],
    now: datetime,
) -> EventTick:
    """Give each due event to its consumer.

    `launched` is what the last tick launched: ids with the number of replays.

    A malformed or refused event is parked with its reason, one that failed is tried
    again later and parked at last; neither stops another one.
    """
    if launched:
        outbox.record_launches(launched)
    launches: list[tuple[Event, Launch]] = []
    buried = [
        (event_id, "unknown event")
        for event_id in outbox.unknown_events(tuple(PAYLOADS), BATCH)
    ]
    handled = retried = 0
    for name, consumer in consumers.items():
        for event in outbox.due_events(name, BATCH):
            match _effect_of(consumer, event):
                case EventOutcome() as outcome:
                    outbox.finish([event.id], outcome)
                    handled += 1
                case Wait(until):
                    outbox.postpone(event.id, until)
                case Stay():
                    pass
                case _Refused(reason):
                    buried.append((event.id, reason))
                case _Failed(kind) if event.attempts + 1 >= MAX_ATTEMPTS:
                    buried.append((event.id, f"failed {MAX_ATTEMPTS} times: {kind}"))
                case _Failed():
                    outbox.retry(event.id, now + pause_after(event.attempts + 1))
                    retried += 1
                case launch:
                    launches.append((event, launch))
    for event_id, reason in buried:
        outbox.bury(event_id, reason)
    return EventTick(tuple(launches), handled, retried, tuple(buried))


@dataclass(frozen=True, slots=True)
class _Refused:
    reason: str


@dataclass(frozen=True, slots=True)
class _Failed:
    kind: str


def _effect_of(consumer: Consumer, event: Event) -> Effect | _Refused | _Failed:
    """What the event sets off, or why it does not.

    Only words of ours become a reason: others may quote a row or an address.
    """
    try:
        payload = parse_payload(event.name, event.schema_version, event.payload)
        return consumer(event, payload)
    except (Conflict, InvalidInput, NotFound) as error:
        return _Refused(str(error))
    except PermanentError as error:
        return _Refused(f"refused: {type(error).__name__}")
    except Exception as error:  # noqa: BLE001  (one event must not stop the rest)
        return _Failed(type(error).__name__)
