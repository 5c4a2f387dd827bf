"""Whose fault it is, and who is told, without a network."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from mentora_pipelines.domain.operations.content_health import (
    FAILING,
    HealthCheck,
    HealthOutcome,
    LessonAddress,
    ProbeFault,
    Sighting,
    outcome_of,
)
from mentora_pipelines.domain.operations.health_alerts import (
    AlertRule,
    HealthRecord,
    is_news,
)
from mentora_pipelines.domain.operations.health_looks import (
    PAGE_LESSONS,
    LookScope,
    ToldCreators,
    look,
)
from tests.mails import BEGIN

WELL = Sighting(status=206, has_bytes=True)
SILENT = Sighting(fault=ProbeFault.NO_ANSWER)
LOOK = UUID(int=7)


def lesson(
    number: int, host: str, last: HealthOutcome | None = HealthOutcome.OK
) -> LessonAddress:
    """The `number`-th lesson, on a host."""
    return LessonAddress(
        UUID(int=number), UUID(int=1), f"https://{host}/{number}.mp4", "uploads/v", last
    )


class Ledger:
    """Satisfies `HealthLedger` in memory."""

    def __init__(
        self, lessons: Sequence[LessonAddress], witnesses: Sequence[LessonAddress] = ()
    ) -> None:
        self.lessons = list(lessons)
        self.known = list(witnesses)
        self.outcomes: dict[UUID, HealthOutcome] = {}
        self.pages: list[int] = []

    def count(self, scope: LookScope, look_id: UUID) -> int:
        """How many are left."""
        assert (scope, look_id) == (LookScope.ALL, LOOK)
        return len(self.lessons)

    def page(
        self, scope: LookScope, look_id: UUID, after: UUID | None, limit: int
    ) -> list[LessonAddress]:
        """The next lessons."""
        assert (scope, look_id) == (LookScope.ALL, LOOK)
        found = [one for one in self.lessons if after is None or one.video_id > after]
        return found[:limit]

    def witnesses(self, limit: int) -> list[LessonAddress]:
        """What the test names."""
        return self.known[:limit]

    def record(self, look_id: UUID, checks: Sequence[HealthCheck]) -> None:
        """Remember."""
        assert look_id == LOOK
        self.pages.append(len(checks))
        self.outcomes |= {check.lesson.video_id: check.outcome for check in checks}

    def tell_creators(self, look_id: UUID) -> ToldCreators:
        """Nobody."""
        assert look_id == LOOK
        return ToldCreators()

    def forget(self) -> int:
        """Nothing."""
        return 0


class Prober:
    """Satisfies `LessonProber`: sees what a function says, given the probes before."""

    def __init__(
        self,
        sees: Callable[[LessonAddress, int], Sighting],
        controls: bool | None = None,
    ) -> None:
        self._sees = sees
        self._controls = controls
        self.probes = 0

    def probe(self, lessons: Sequence[LessonAddress]) -> list[Sighting]:
        """What the function says."""
        seen = []
        for one in lessons:
            seen.append(self._sees(one, self.probes))
            self.probes += 1
        return seen

    def controls_answer(self) -> bool | None:
        """What the test says."""
        return self._controls


def outcomes(ledger: Ledger, prober: Prober) -> list[HealthOutcome]:
    """What a look records, by lesson."""
    look(LookScope.ALL, LOOK, ledger, prober)
    return [ledger.outcomes[one.video_id] for one in ledger.lessons]


def is_away(*hosts: str) -> Callable[[LessonAddress, int], Sighting]:
    """Only these hosts are silent."""
    return lambda one, _: SILENT if one.host in hosts else WELL


def test_a_silent_host_is_blamed_when_others_answer() -> None:
    """Else a lesson on a dead server is never noticed."""
    ledger = Ledger([lesson(1, "a"), lesson(2, "b"), lesson(3, "c")])
    assert outcomes(ledger, Prober(is_away("b"))) == ["ok", "timeout", "ok"]


@pytest.mark.parametrize(
    ("sees", "controls"),
    [
        # Nobody answers.
        (lambda *_: SILENT, None),
        (lambda *_: Sighting(fault=ProbeFault.NO_NAME_SERVER), None),
        (lambda *_: Sighting(fault=ProbeFault.UNTRUSTED), None),
        # Most of those do not that did the last time.
        (is_away("a", "b", "c"), None),
        (is_away("a", "b", "c"), True),
        # A control does not.
        (is_away("a"), False),
        # The network goes away in the middle: who answered answers no more.
        (lambda _, before: WELL if before < 3 else SILENT, None),
    ],
)
def test_our_own_outage_is_nobodys_failure(
    sees: Callable[[LessonAddress, int], Sighting], controls: bool | None
) -> None:
    """Else every creator is alarmed when a cable of ours is cut."""
    ledger = Ledger([lesson(number, host) for number, host in enumerate("abcde")])
    found = outcomes(ledger, Prober(sees, controls))
    assert not FAILING & set(found)
    assert HealthOutcome.OURS in found


def test_an_answer_counts_even_while_others_are_silent() -> None:
    """Else what a server says itself is lost in our outage."""
    ledger = Ledger([lesson(1, "a"), lesson(2, "b"), lesson(3, "c")])
    gone = Sighting(status=404)
    found = outcomes(ledger, Prober(lambda one, _: gone if one.host == "a" else SILENT))
    assert found == ["gone", "ours", "ours"]


def test_suspects_alone_are_judged_with_witnesses_or_a_control() -> None:
    """Else the daily look, which sees only broken lessons, believes in an outage."""
    suspects = [lesson(n, "dead", HealthOutcome.TIMEOUT) for n in range(1, 4)]
    witness = lesson(9, "well")
    assert set(outcomes(Ledger(suspects, [witness]), Prober(is_away("dead")))) == {
        HealthOutcome.TIMEOUT
    }
    assert set(outcomes(Ledger(suspects), Prober(is_away("dead"), controls=True))) == {
        HealthOutcome.TIMEOUT
    }
    for ledger in (Ledger(suspects), Ledger(suspects, [witness])):
        assert set(outcomes(ledger, Prober(lambda *_: SILENT))) == {HealthOutcome.OURS}


def test_one_host_for_all_is_a_witness_against_itself() -> None:
    """Else a platform with a single CDN never learns of a lesson that hangs."""
    ledger = Ledger([lesson(number, "cdn") for number in range(10)])
    found = outcomes(
        ledger, Prober(lambda one, _: SILENT if one.video_id.int == 3 else WELL)
    )
    assert found[3] is HealthOutcome.TIMEOUT
    assert found.count(HealthOutcome.OK) == 9


def test_a_passing_silence_is_asked_once_more() -> None:
    """Else every packet that is lost counts against a creator."""
    ledger = Ledger([lesson(1, "a"), lesson(2, "b")])
    once = Prober(lambda _, before: SILENT if before == 0 else WELL)
    assert outcomes(ledger, once) == ["ok", "ok"]


def test_every_lesson_is_looked_at_in_even_pages() -> None:
    """Else the first thousand are all that is ever seen."""
    lessons = [
        lesson(number, f"h{number % 7}") for number in range(2 * PAGE_LESSONS + 3)
    ]
    ledger = Ledger(lessons)
    figures = look(LookScope.ALL, LOOK, ledger, Prober(is_away()))
    assert figures.lessons == len(lessons) == len(ledger.outcomes)
    assert len(ledger.pages) == 3
    assert max(ledger.pages) - min(ledger.pages) <= 3


def test_every_fault_has_a_meaning() -> None:
    """Else a look dies of the first answer that nobody thought of."""
    for fault in ProbeFault:
        for up in (True, False):
            assert outcome_of(Sighting(fault=fault), network_is_up=up) in HealthOutcome
    for status in range(200, 600):
        seen = Sighting(status=status, has_bytes=True)
        assert outcome_of(seen, network_is_up=True) is not HealthOutcome.OURS


FAILED = HealthRecord(
    UUID(int=1),
    "Plants",
    UUID(int=2),
    HealthOutcome.GONE,
    3,
    BEGIN,
    BEGIN + timedelta(hours=24),
    is_alerted=False,
)


def test_news_is_what_failed_long_enough_and_what_is_mended() -> None:
    """Else a creator is told of a hiccup, each week anew, or never of the recovery."""
    rule = AlertRule()
    assert is_news(FAILED, rule)
    assert not is_news(replace(FAILED, failures=2), rule)
    soon = BEGIN + timedelta(hours=23)
    assert not is_news(replace(FAILED, last_failed_at=soon), rule)
    told = replace(FAILED, is_alerted=True)
    assert not is_news(told, rule)
    assert is_news(replace(told, outcome=HealthOutcome.OK), rule)
    assert not is_news(replace(FAILED, outcome=HealthOutcome.OK), rule)
