"""The rules a question must pass, against questions that a teacher has judged."""

from collections import Counter
from dataclasses import replace

import pytest

from mentora_pipelines.domain.quizzes.faults import FaultCode
from mentora_pipelines.domain.quizzes.questions import FALSE, TRUE, QuestionKind
from mentora_pipelines.domain.quizzes.validation import Validator
from tests.questions.bad import BAD
from tests.questions.cases import Case
from tests.questions.good import GOOD
from tests.questions.held_out import HELD_OUT
from tests.questions.lessons import LESSONS

MAX_REFUSED_SHARE = 0.05


@pytest.fixture(scope="module")
def validators() -> dict[str, Validator]:
    """A validator for each lesson."""
    return {name: Validator(lesson) for name, lesson in LESSONS.items()}


def test_the_corpus_holds_enough_of_every_kind_and_fault() -> None:
    """Else the figures below say nothing about a kind that nobody has tried."""
    assert len(GOOD) + len(BAD) >= 60
    for cases in (GOOD, BAD):
        kinds = Counter(case.question.kind for case in cases)
        assert min(kinds[kind] for kind in QuestionKind) >= 3
    between_questions = {FaultCode.DUPLICATE, FaultCode.CONTRADICTION}
    planted = Counter(FaultCode(case.fault) for case in BAD)
    assert set(planted) == set(FaultCode) - between_questions
    assert min(planted.values()) >= 3


@pytest.mark.parametrize("cases", [GOOD, HELD_OUT], ids=["good", "held out"])
def test_nearly_all_good_questions_pass(
    validators: dict[str, Validator], cases: list[Case]
) -> None:
    """Else a lesson on money or grammar is left without its core question."""
    refused = [
        f"{case.name}: {faults}"
        for case in cases
        if (faults := validators[case.lesson].faults(case.question))
    ]
    assert len(cases) >= 30
    assert len(refused) <= MAX_REFUSED_SHARE * len(cases), refused


def test_a_statement_with_its_key_turned_round_is_refused(
    validators: dict[str, Validator],
) -> None:
    """Else a student who has listened is marked wrong.

    One says "monthly" where the lesson says "every month": no rule knows that word.
    """
    kept = [
        case.name
        for case in [*GOOD, *HELD_OUT]
        if case.question.kind is QuestionKind.TRUE_FALSE
        and not validators[case.lesson].faults(
            replace(
                case.question, answer=FALSE if case.question.answer == TRUE else TRUE
            )
        )
    ]
    assert [name for name in kept if "Monthly interest" not in name] == []


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_bad_question_is_refused_for_its_own_fault(
    validators: dict[str, Validator], case: Case
) -> None:
    """Else the writer is asked to mend what is right, and the audit tells a lie."""
    faults = validators[case.lesson].faults(case.question)
    assert case.fault in {fault.code for fault in faults}
    assert all(fault.reason for fault in faults)


def test_line_ends_and_case_of_the_quote_do_not_matter(
    validators: dict[str, Validator],
) -> None:
    """A model that wraps a line has still quoted faithfully."""
    sound = GOOD[0]
    wrapped = sound.question.quote.upper().replace(" ", "\n  ")
    question = replace(sound.question, quote=wrapped)
    assert validators[sound.lesson].faults(question) == ()


def test_a_quote_may_run_over_two_sentences(validators: dict[str, Validator]) -> None:
    """Evidence does not always end at a full stop."""
    sound = GOOD[0]
    first, second = LESSONS[sound.lesson].segments[3:5]
    question = replace(
        sound.question, quote=f"{first.text} {second.text}", end_s=second.end_s
    )
    assert validators[sound.lesson].faults(question) == ()
