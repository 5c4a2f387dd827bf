"""One look at the health of lessons: page by page, then the digests.

Here belong the order of a look and the question whose network is down. Not here: how
a video is asked for, or how the history is kept.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.operations.content_health import (
    HealthCheck,
    HealthOutcome,
    LessonAddress,
    LessonProber,
    Sighting,
    outcome_of,
)

PAGE_LESSONS = 1000
"""Lessons in memory at a time; a sighting takes about a kilobyte while it is made."""

WITNESSES = 20
"""Lessons of other hosts that are asked when silence may be our own fault."""

EXAMPLES = 5
"""Ids that an operator is given for each figure."""


class LookScope(StrEnum):
    """Which lessons a look is about."""

    ALL = "all completed lessons"
    SUSPECTS = "suspects"


@dataclass(frozen=True, slots=True)
class ToldCreators:
    """What the digests of a look told."""

    digests: int = 0
    alerts: int = 0
    recoveries: int = 0
    unreachable: int = 0


@dataclass(slots=True)
class LookFigures:
    """What a look found; lessons by outcome, and a few of those that need a person.

    `forgotten` is how many old probes left the history at its end.
    """

    outcomes: Counter[HealthOutcome] = field(default_factory=Counter)
    examples: dict[str, list[UUID]] = field(default_factory=dict)
    not_media: int = 0
    renewed_links: int = 0
    pages_without_network: int = 0
    told: ToldCreators = ToldCreators()
    forgotten: int = 0

    @property
    def lessons(self) -> int:
        """How many were looked at."""
        return self.outcomes.total()

    def count(self, checks: Sequence[HealthCheck]) -> None:
        """Add a page."""
        for check in checks:
            self.outcomes[check.outcome] += 1
            odd = check.outcome is HealthOutcome.OK and not check.sighting.is_media
            self.not_media += odd
            self.renewed_links += check.sighting.renewed
            name = "not media" if odd else check.outcome.value
            examples = self.examples.setdefault(name, [])
            if name != HealthOutcome.OK and len(examples) < EXAMPLES:
                examples.append(check.lesson.video_id)


@runtime_checkable
class HealthLedger(Protocol):
    """The history of probes, across creators."""

    def count(self, scope: LookScope, look_id: UUID) -> int:
        """How many lessons the look has still to probe."""
        ...

    def page(
        self, scope: LookScope, look_id: UUID, after: UUID | None, limit: int
    ) -> list[LessonAddress]:
        """The next lessons to probe, by id above `after`; none that the look has."""
        ...

    def witnesses(self, limit: int) -> list[LessonAddress]:
        """Lessons on the web that were well when last probed, each of another host."""
        ...

    def record(self, look_id: UUID, checks: Sequence[HealthCheck]) -> None:
        """Add to the history."""
        ...

    def tell_creators(self, look_id: UUID) -> ToldCreators:
        """Write one digest for each creator who has news, and that it was told."""
        ...

    def forget(self) -> int:
        """Delete what is older than it is kept; returns how much.

        How a lesson stands, and what its creator was told last, stays.
        """
        ...


def look(
    scope: LookScope, look_id: UUID, ledger: HealthLedger, prober: LessonProber
) -> LookFigures:
    """Probe every lesson of `scope`, a page at a time, tell whom it concerns, forget.

    A look that is begun again under its id goes on after the last page it recorded.
    """
    figures = LookFigures()
    lessons = ledger.count(scope, look_id)
    pages = -(-lessons // PAGE_LESSONS) or 1
    # Pages of one size: a short last one would be too few to tell whose fault it is.
    limit = -(-lessons // pages) or 1
    after: UUID | None = None
    while page := ledger.page(scope, look_id, after, limit):
        checks = _checked(page, ledger, prober, figures)
        ledger.record(look_id, checks)
        figures.count(checks)
        after = page[-1].video_id
    figures.told = ledger.tell_creators(look_id)
    figures.forgotten = ledger.forget()
    return figures


def network_is_up(
    expected: Sequence[Sighting], witnesses: Sequence[Sighting], controls: bool | None
) -> bool:
    """Whether silence is the lessons' and not ours.

    Ours when no control answers, when most of the witnesses (other hosts, which did
    answer before) are silent, or when most lessons that were expected to be well are.
    Without a control and without a witness nothing proves that our network is up.
    """
    if controls is False or (controls is None and not witnesses):
        return False
    return not (_mostly_silent(witnesses) or _mostly_silent(expected))


def _mostly_silent(sightings: Sequence[Sighting]) -> bool:
    return sum(sighting.is_silent for sighting in sightings) * 2 > len(sightings)


def _checked(
    page: Sequence[LessonAddress],
    ledger: HealthLedger,
    prober: LessonProber,
    figures: LookFigures,
) -> list[HealthCheck]:
    """The outcomes of a page.

    Who is silent is asked once more, together with witnesses: a network that went away
    in the middle of the page shows then.
    """
    sightings = dict(zip(page, prober.probe(page), strict=True))
    silent = [lesson for lesson, seen in sightings.items() if seen.is_silent]
    up = True
    if silent:
        witnesses = _witnesses(sightings, ledger)
        again = prober.probe([*silent, *witnesses])
        sightings.update(zip(silent, again, strict=False))
        expected = [
            seen
            for lesson, seen in sightings.items()
            if lesson.host is not None
            and lesson.last_outcome in (None, HealthOutcome.OK)
        ]
        up = network_is_up(expected, again[len(silent) :], prober.controls_answer())
        figures.pages_without_network += not up
    return [
        HealthCheck(lesson, outcome_of(seen, network_is_up=up), seen)
        for lesson, seen in sightings.items()
    ]


def _witnesses(
    sightings: dict[LessonAddress, Sighting], ledger: HealthLedger
) -> list[LessonAddress]:
    """Lessons of hosts that answered a moment ago, then of hosts that once did.

    None is of a host with a silent lesson, unless every host has one.
    """
    silent = {lesson.host for lesson, seen in sightings.items() if seen.is_silent}
    by_host = {
        lesson.host: lesson
        for lesson, seen in sightings.items()
        if lesson.host is not None and seen.status is not None
    }
    answered = [lesson for host, lesson in by_host.items() if host not in silent]
    known = {lesson.video_id for lesson in sightings}
    others = [
        lesson
        for lesson in ledger.witnesses(WITNESSES)
        if lesson.video_id not in known and lesson.host not in silent
    ]
    return [*answered, *others][:WITNESSES] or list(by_host.values())[:WITNESSES]
