"""How well the platform is: looks at its parts, and when an operator is told.

Here belong the rule and its ports. Not here: what a part is asked (`probes`), or SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.operations.mail import Mail, new_mail
from mentora_pipelines.domain.operations.mail_variables import MailTemplate

RECOVERED_SHARE = 0.8
"""A figure that was too high must fall below this share of its limit to be well again:
one that swings about the limit is one notice, not one per look."""

MAX_DETAIL = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look found of one part.

    A part that is asked is `healthy` or not, with `latency_ms`; one that is counted has
    a `value` and a `threshold` that it may not exceed, and `healthy` is None. Of what
    `grows`, more than was told of is told anew: each one counted is something else.
    """

    part: str
    detail: str
    healthy: bool | None = None
    latency_ms: float | None = None
    value: float | None = None
    threshold: float | None = None
    grows: bool = False


@dataclass(frozen=True, slots=True)
class PartState:
    """How a part stands after a look.

    `streak` counts the looks in a row that contradicted how it stood before, or found
    more than `known_value`, the lowest figure since the operator was told.
    """

    part: str
    is_well: bool
    is_alarmed: bool
    streak: int
    told: bool
    detail: str = ""
    latency_ms: float | None = None
    value: float | None = None
    threshold: float | None = None
    known_value: float | None = None


@dataclass(frozen=True, slots=True)
class HealthRule:
    """From when on a part is not well; `confirmations` looks in a row change it."""

    max_waiting: int
    max_oldest_minutes: float
    max_dead_letters: int
    max_budget_share: float
    confirmations: int
    operator: str | None = field(repr=False, default=None)


@runtime_checkable
class PlatformProbes(Protocol):
    """Asks each part of the platform one question."""

    def readings(self) -> list[Reading]:
        """What each part answers, in the order of `mentora doctor`; raises nothing."""
        ...


@runtime_checkable
class PlatformLedger(Protocol):
    """The history of looks, and what is counted in the database."""

    def counted(self, rule: HealthRule) -> list[Reading]:
        """Waiting uploads, their age, dead letters and budgets."""
        ...

    def record(
        self, look_id: UUID, readings: Sequence[Reading], rule: HealthRule
    ) -> list[PartState]:
        """Judge, keep and tell, in one transaction; a look is kept once.

        A look that was kept before gives what was found then.
        """
        ...

    def states(self) -> list[PartState]:
        """How each part stood at the last look."""
        ...

    def forget(self) -> int:
        """Delete looks, and times of stages, of long ago; how many rows there were."""
        ...


def judge(reading: Reading, before: PartState | None, rule: HealthRule) -> PartState:
    """How the part stands now; told when that changed, or when it grew.

    A part never seen before was well.
    """
    was_alarmed = before is not None and before.is_alarmed
    is_well = _is_well(reading, was_alarmed=was_alarmed)
    contradicts = is_well == was_alarmed or _has_grown(reading, before)
    streak = (before.streak if before is not None else 0) + 1 if contradicts else 0
    told = streak >= rule.confirmations
    return PartState(
        reading.part,
        is_well,
        not is_well if told else was_alarmed,
        0 if told else streak,
        told,
        reading.detail[:MAX_DETAIL],
        reading.latency_ms,
        reading.value,
        reading.threshold,
    )


def _is_well(reading: Reading, *, was_alarmed: bool) -> bool:
    if reading.healthy is not None:
        return reading.healthy
    if reading.value is None or reading.threshold is None:
        return True
    limit = reading.threshold * (RECOVERED_SHARE if was_alarmed else 1.0)
    return reading.value <= limit


def _has_grown(reading: Reading, before: PartState | None) -> bool:
    return (
        reading.grows
        and reading.value is not None
        and before is not None
        and before.is_alarmed
        and before.known_value is not None
        and reading.value > before.known_value
    )


def platform_mail(
    look_id: UUID, states: Sequence[PartState], rule: HealthRule
) -> Mail | None:
    """The one notice about what has changed; None when nothing has, or for nobody."""
    changed = [state for state in states if state.told]
    if not changed or rule.operator is None:
        return None
    variables: Mapping[str, object] = {
        "parts": [
            {
                "part": state.part,
                "isWell": not state.is_alarmed,
                "detail": state.detail,
            }
            for state in changed
        ]
    }
    return new_mail(
        MailTemplate.PLATFORM_HEALTH,
        subject_id=content_hash(f"platform\n{look_id}"),
        recipient=rule.operator,
        variables=variables,
        creator_id=None,
    )


def look_at_platform(
    look_id: UUID,
    rule: HealthRule,
    *,
    probes: PlatformProbes,
    ledger: PlatformLedger,
    counted: Sequence[Reading] = (),
) -> list[PartState]:
    """Look at every part, keep what was found, and tell of what has changed.

    `counted` is what the caller has counted itself. Raises `TransientError` when the
    database is away: the look is then red, and nobody could be written to.
    """
    readings = [*probes.readings(), *ledger.counted(rule), *counted]
    states = ledger.record(look_id, readings, rule)
    ledger.forget()
    return states
