"""When a part of the platform counts as not well, and who is told."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentora_pipelines.domain.operations.platform_health import (
    HealthRule,
    PartState,
    Reading,
    judge,
    platform_mail,
)

RULE = HealthRule(100, 60.0, 0, 0.9, 2, "ops@tests.example")
LOOK = UUID("00000000-0000-7000-8000-000000000001")


def states(readings: list[Reading], rule: HealthRule = RULE) -> list[PartState]:
    """How a part stands after each of its looks."""
    found: list[PartState] = []
    for reading in readings:
        found.append(judge(reading, found[-1] if found else None, rule))
    return found


def asked(answers: str) -> list[Reading]:
    """A look for each letter: `+` healthy, `-` not."""
    return [Reading("cache", "", healthy=answer == "+") for answer in answers]


def counted(*values: float) -> list[Reading]:
    """A look for each value, of a figure that may be a hundred."""
    return [
        Reading("waiting uploads", "", value=value, threshold=100) for value in values
    ]


@pytest.mark.parametrize(
    ("answers", "notices"),
    [
        ("++++", []),
        ("+-+-+-", []),
        ("+--", [2]),
        ("+------", [2]),
        ("--++", [1, 3]),
        ("--+-+-++", [1, 7]),
    ],
)
def test_a_part_is_told_of_once_when_it_changes_for_good(
    answers: str, notices: list[int]
) -> None:
    """Else one slow answer wakes somebody, or an outage is a mail every ten minutes."""
    told = [n for n, state in enumerate(states(asked(answers))) if state.told]
    assert told == notices


def test_a_figure_about_its_limit_is_one_notice() -> None:
    """Else a queue that swings between 99 and 101 is a mail at every swing."""
    looks = states(counted(101, 101, 99, 101, 95, 85, 99, 80, 80, 99))
    assert [n for n, state in enumerate(looks) if state.told] == [1, 8]


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 4))
def test_notices_alternate_and_each_is_confirmed(
    answers: list[bool], confirmations: int
) -> None:
    """Else a recovery is told that never failed, or one look decides."""
    rule = HealthRule(1, 1.0, 0, 1.0, confirmations, None)
    looks = states([Reading("cache", "", healthy=answer) for answer in answers], rule)
    alarmed = False
    for number, state in enumerate(looks):
        if state.told:
            alarmed = not alarmed
            last = looks[number - confirmations + 1 : number + 1]
            assert [one.is_well for one in last] == [not alarmed] * confirmations
        assert state.is_alarmed == alarmed


def test_one_mail_tells_of_all_that_changed_and_a_repeat_is_the_same_mail() -> None:
    """Else an outage of the database is ten mails, or each retry one more."""
    broken = states(asked("--"))[-1]
    mended = judge(
        counted(1)[0], PartState("waiting uploads", True, True, 1, False), RULE
    )
    mail = platform_mail(LOOK, [broken, mended, states(asked("+"))[-1]], RULE)
    assert mail is not None
    assert mail.recipient == "ops@tests.example"
    assert mail.creator_id is None
    assert [(p["part"], p["isWell"]) for p in mail.variables["parts"]] == [  # type: ignore[index, union-attr, call-overload]
        ("cache", False),
        ("waiting uploads", True),
    ]
    assert platform_mail(LOOK, [broken, mended], RULE) == mail
    assert platform_mail(uuid4(), [broken, mended], RULE) != mail


def test_nothing_is_written_when_nothing_changed_or_nobody_asked() -> None:
    """Else an operator learns to ignore these mails."""
    nobody = HealthRule(1, 1.0, 0, 1.0, 2, None)
    assert platform_mail(LOOK, [states(asked("-"))[-1]], RULE) is None
    assert platform_mail(LOOK, [states(asked("--"))[-1]], nobody) is None
