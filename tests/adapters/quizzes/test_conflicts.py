"""Questions that ask the same in other words, by the real embedding model."""

from dataclasses import replace

import pytest

from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.domain.quizzes.conflicts import Conflicts
from mentora_pipelines.domain.quizzes.faults import FaultCode
from mentora_pipelines.domain.quizzes.questions import FALSE, TRUE, Question
from mentora_pipelines.domain.terms.vocabulary import Vocabulary
from tests.questions.cases import BOTH, CHOICE, FILL_IN, SHORT, STATED, ask

SUN = "Chlorophyll|Starch|Oxygen"

TWINS = [
    (
        ask("plants", CHOICE, "Which pigment captures the energy of the sun?",
            "Chlorophyll", SUN, line=4),
        ask("plants", CHOICE, "What green pigment in plants captures the sun's energy?",
            "Chlorophyll", SUN, line=5),
    ),
    (
        ask("plants", FILL_IN,
            "_____ is a green pigment that captures the energy of the sun.",
            "Chlorophyll", line=4),
        ask("plants", SHORT, "What captures the energy of the sun?", "Chlorophyll",
            line=5),
    ),
    (
        ask("search", STATED, "Binary search cuts a sorted list in half at every step.",
            TRUE, BOTH, line=5),
        ask("search", SHORT, "What does binary search do to a sorted list at every "
            "step?", "It cuts the list in half", line=12),
    ),
    (
        ask("money", CHOICE, "What is a general rise in prices that reduces what money "
            "can buy?", "Inflation", "Inflation|Loan|Deposit", line=10),
        ask("money", FILL_IN,
            "_____ is a general rise in prices that reduces what money can buy.",
            "Inflation", line=11),
    ),
]  # fmt: skip
DIFFERENT = [
    (
        ask("money", FILL_IN, "_____ is interest that is paid only on the deposit.",
            "Simple interest", line=5),
        ask("money", FILL_IN, "_____ is interest that is paid on all earlier interest.",
            "Compound interest", line=7),
    ),
    (
        ask("search", STATED, "If the target is smaller than the middle item, the "
            "search continues in the left half.", TRUE, BOTH, line=10),
        ask("search", STATED, "If the target is larger than the middle item, the "
            "search continues in the right half.", TRUE, BOTH, line=11),
    ),
    (
        ask("plants", SHORT, "Which gas enters through a pore?", "Carbon dioxide",
            line=9),
        ask("plants", SHORT, "Which gas escapes through a pore?", "Oxygen", line=9),
    ),
    (
        ask("france", CHOICE, "In which year did Napoleon take power?", "1799",
            "1789|1793|1799", line=9),
        ask("france", CHOICE, "In which year did the French Revolution begin?", "1789",
            "1789|1793|1799", line=1),
    ),
]  # fmt: skip
OPPOSED = [
    (
        ask("search", STATED, "Linear search is slow on long lists.", TRUE, BOTH,
            line=4),
        ask("search", STATED, "Linear search is fast on long lists.", TRUE, BOTH,
            line=4),
    ),
    (
        ask("search", STATED, "Linear search is slow on long lists.", TRUE, BOTH,
            line=4),
        ask("search", STATED, "Linear search is slow on long lists.", FALSE, BOTH,
            line=4),
    ),
    (
        ask("france", CHOICE, "Who led the Committee of Public Safety?", "Robespierre",
            "Robespierre|Napoleon|Louis", line=7),
        ask("france", CHOICE, "Who led the Committee of Public Safety?", "Napoleon",
            "Robespierre|Napoleon|Louis", line=9),
    ),
    (
        ask("plants", SHORT, "What do plants store their extra sugar as?", "Starch",
            line=13),
        ask("plants", SHORT, "What do plants store extra sugar as?", "Cellulose",
            line=14),
    ),
]  # fmt: skip


MEANINGS = (
    "A set of clear steps that solves a problem|A list whose items follow an order|"
    "A number that gives the position of an item"
)
CLUES = [
    (
        ask("search", CHOICE, "What is an index?",
            "A number that gives the position of an item", MEANINGS, line=7),
        ask("search", CHOICE, "What is an algorithm?",
            "A set of clear steps that solves a problem", MEANINGS, line=2),
    ),
    (
        ask("plants", CHOICE, "Where does chlorophyll, which captures the energy of "
            "the sun, sit?", "In the leaves", "In the leaves|In the root|In the soil",
            line=3),
        ask("plants", FILL_IN, "_____ is a pigment that captures the energy of the "
            "sun.", "Chlorophyll", line=4),
    ),
    (
        ask("plants", SHORT, "What is a cell wall?",
            "A strong layer around a plant cell.", line=14),
        ask("plants", CHOICE, "What is a pore?", "A tiny opening in a leaf",
            "A tiny opening in a leaf|A strong layer around a plant cell|"
            "A part that takes in water", line=9),
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    """The project's own model."""
    return MiniLmEmbedder()


def fault_of(
    embedder: MiniLmEmbedder, first: Question, second: Question, *, elsewhere: bool
) -> FaultCode | None:
    """What the second does to the first."""
    conflicts = Conflicts(Vocabulary("en"), embedder)
    conflicts.add(first, elsewhere=elsewhere)
    fault = conflicts.fault(second)
    return None if fault is None else fault.code


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_same_in_other_words_is_a_duplicate(
    embedder: MiniLmEmbedder, elsewhere: bool
) -> None:
    """Else a student meets one question three times, in one quiz or in two."""
    found = [
        fault_of(embedder, one.question, other.question, elsewhere=elsewhere)
        for one, other in TWINS
    ]
    assert found == [FaultCode.DUPLICATE] * len(TWINS)


def test_neighbouring_points_are_not_the_same(embedder: MiniLmEmbedder) -> None:
    """Else of two halves of a lesson only one is asked about."""
    found = [
        fault_of(embedder, one.question, other.question, elsewhere=False)
        for one, other in DIFFERENT
    ]
    assert found == [None] * len(DIFFERENT)


def test_what_contradicts_another_question_is_found(embedder: MiniLmEmbedder) -> None:
    """Else a student is marked wrong once, whatever the answer."""
    found = [
        fault_of(embedder, one.question, other.question, elsewhere=False)
        for one, other in OPPOSED
    ]
    assert found == [FaultCode.CONTRADICTION] * len(OPPOSED)


def test_a_wrong_question_of_another_quiz_refuses_no_right_one(
    embedder: MiniLmEmbedder,
) -> None:
    """Else a bad old draft keeps good questions out for ever."""
    one, other = OPPOSED[2]
    assert fault_of(embedder, other.question, one.question, elsewhere=True) is None


def test_another_kind_of_the_same_quote_and_answer_is_a_duplicate(
    embedder: MiniLmEmbedder,
) -> None:
    """Else the second question is answered by the first."""
    first = TWINS[0][0].question
    second = replace(first, kind=SHORT, options=(), prompt="Name the green substance!")
    assert fault_of(embedder, first, second, elsewhere=False) is FaultCode.DUPLICATE


def test_what_gives_another_question_away_is_found(embedder: MiniLmEmbedder) -> None:
    """Else a student copies an answer from the next question."""
    found = [
        fault_of(embedder, one.question, other.question, elsewhere=False)
        for one, other in CLUES
    ]
    assert found == [FaultCode.GIVEN_AWAY] * len(CLUES)


def test_a_name_among_other_options_gives_nothing_away(
    embedder: MiniLmEmbedder,
) -> None:
    """Else a lesson on chlorophyll may name it in a single question."""
    one = ask("plants", CHOICE, "Which gas escapes through a pore?", "Oxygen",
              "Oxygen|Chlorophyll|Hydrogen", line=9)  # fmt: skip
    assert (
        fault_of(embedder, CLUES[1][1].question, one.question, elsewhere=False) is None
    )
