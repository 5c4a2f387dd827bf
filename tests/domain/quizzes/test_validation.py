"""The rules a question must pass, against questions that a teacher has judged."""

from collections import Counter
from dataclasses import replace

import pytest

from mentora_pipelines.domain.quizzes.faults import FaultCode
from mentora_pipelines.domain.quizzes.questions import QuestionKind
from mentora_pipelines.domain.quizzes.validation import Validator
from tests.question_corpus import BAD, GOOD, LESSONS, Case

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


def test_the_confusion_matrix_holds(validators: dict[str, Validator]) -> None:
    """Else bad questions reach students, or a lesson is left without a quiz."""
    refused_good = [
        f"{case.name}: {faults}"
        for case in GOOD
        if (faults := validators[case.lesson].faults(case.question))
    ]
    kept_bad = [
        case.name for case in BAD if not validators[case.lesson].faults(case.question)
    ]
    assert kept_bad == []
    assert len(refused_good) <= MAX_REFUSED_SHARE * len(GOOD), refused_good


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
