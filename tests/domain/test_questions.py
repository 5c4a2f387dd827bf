"""The rules a question must pass before it is stored."""

from dataclasses import replace

import pytest

from mentora_pipelines.domain.lessons.questions import (
    Question,
    QuestionKind,
    accepted,
    refusal,
)
from tests.lessons import transcript_of

LESSON = transcript_of(
    [
        "Glucose is a simple sugar that gives the plant energy.",
        "Starch is a long chain of glucose units.",
        "Cellulose forms the walls of plant cells.",
    ]
)
GLUCOSE = LESSON.segments[0]
CHOICE = Question(
    kind=QuestionKind.MULTIPLE_CHOICE,
    prompt="Which of these is a simple sugar that gives the plant energy?",
    options=("Starch", "Glucose", "Cellulose"),
    answer="Glucose",
    quote=GLUCOSE.text,
    chunk_index=0,
    start_s=GLUCOSE.start_s,
    end_s=GLUCOSE.end_s,
)
FILL_IN = replace(
    CHOICE,
    kind=QuestionKind.FILL_IN,
    prompt="_____ is a simple sugar that gives the plant energy.",
    options=(),
    answer="glucose",
)


@pytest.mark.parametrize("question", [CHOICE, FILL_IN])
def test_a_sound_question_passes(question: Question) -> None:
    """A rule that refuses sound questions leaves every lesson without a quiz."""
    assert refusal(question, LESSON) is None


def test_blanks_and_line_ends_in_the_quote_do_not_matter() -> None:
    """A model that wraps a line has still quoted faithfully."""
    wrapped = replace(CHOICE, quote=GLUCOSE.text.replace(" ", "\n  "))
    assert refusal(wrapped, LESSON) is None


def test_a_quote_may_run_over_two_sentences() -> None:
    """Evidence does not always end at a full stop."""
    quote = f"{GLUCOSE.text} {LESSON.segments[1].text}"
    longer = replace(CHOICE, quote=quote, end_s=LESSON.segments[1].end_s)
    assert refusal(longer, LESSON) is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"quote": "Glucose is a protein."}, "does not stand in the transcript"),
        ({"quote": ""}, "does not stand in the transcript"),
        ({"start_s": 9.0, "end_s": 12.0}, "does not stand in the transcript"),
        ({"start_s": 4.0, "end_s": 0.0}, "does not stand in the transcript"),
        ({"answer": "Starch"}, "does not support"),
        ({"prompt": "Is glucose a simple sugar?"}, "contains the answer"),
        ({"prompt": "  "}, "empty"),
        ({"options": ("Glucose", "Starch")}, "fewer than 3"),
        ({"options": ("Glucose", "Starch", " starch ")}, "the same"),
        ({"options": ("Glucose", "Starch", " ")}, "option is empty"),
        ({"options": ("Starch", "Cellulose", "Water")}, "not among the options"),
    ],
)
def test_a_faulty_choice_is_refused(fault: dict[str, object], reason: str) -> None:
    """Each of these would teach a student something wrong or show the answer."""
    faulty = replace(CHOICE, **fault)  # type: ignore[arg-type]  # any field, by name
    assert reason in (refusal(faulty, LESSON) or "")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"options": ("glucose", "starch", "water")}, "no options"),
        ({"prompt": "What is a simple sugar?"}, "exactly one blank"),
        ({"prompt": "_____ is a simple _____."}, "exactly one blank"),
        ({"prompt": "__ is a simple sugar."}, "exactly one blank"),
        ({"answer": "grape sugar"}, "does not support"),
    ],
)
def test_a_faulty_fill_in_is_refused(fault: dict[str, object], reason: str) -> None:
    """A student cannot fill in two words, or a word nobody said."""
    faulty = replace(FILL_IN, **fault)  # type: ignore[arg-type]  # any field, by name
    assert reason in (refusal(faulty, LESSON) or "")


def test_an_option_may_say_the_quote_in_other_words() -> None:
    """A rule for literal answers only would refuse most questions of a model."""
    reworded = replace(
        CHOICE,
        prompt="What does glucose do?",
        options=("Gives energy to plants", "Forms cell walls", "Stores water"),
        answer="Gives energy to plants",
    )
    assert refusal(reworded, LESSON) is None


def test_an_answer_inside_a_longer_word_of_the_prompt_is_no_giveaway() -> None:
    """Refusing "interest" in "interesting" would cost good questions."""
    asked = replace(CHOICE, prompt="Which glucoselike thing gives the plant energy?")
    assert refusal(asked, LESSON) is None


def test_an_answer_much_longer_than_its_distractors_is_refused() -> None:
    """Students learn to pick the long option instead of the right one."""
    long = "A simple sugar that gives the plant energy"
    options = (long, "A stone", "A metal")
    faulty = replace(CHOICE, prompt="What is it?", options=options, answer=long)
    assert "length" in (refusal(faulty, LESSON) or "")


def test_a_quiz_asks_nothing_twice_and_keeps_the_order() -> None:
    """Two points for one fact, or the same line twice on a sheet."""
    other = LESSON.segments[1]
    starch = replace(
        FILL_IN,
        prompt="_____ is a long chain of glucose units.",
        answer="starch",
        quote=other.text,
        start_s=other.start_s,
        end_s=other.end_s,
    )
    same_prompt = replace(CHOICE, prompt=CHOICE.prompt.upper())
    kept, refused = accepted([CHOICE, starch, same_prompt, FILL_IN], LESSON)
    assert kept == [CHOICE, starch]
    assert [question for question, _ in refused] == [same_prompt, FILL_IN]
    assert {reason for _, reason in refused} == {"the quiz asks this already"}


def test_a_refused_question_comes_back_with_its_reason() -> None:
    """What is left out is kept for audit; without a reason nobody can mend it."""
    faulty = replace(CHOICE, options=())
    assert accepted([faulty], LESSON) == (
        [],
        [(faulty, "there are fewer than 3 options")],
    )
