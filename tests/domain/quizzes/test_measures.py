"""What a quiz is said to ask of the mind, before any student has seen it."""

import pytest

from mentora_pipelines.domain.quizzes.measures import measured_bloom
from mentora_pipelines.domain.quizzes.questions import BloomLevel


@pytest.mark.parametrize(
    ("prompt", "level"),
    [
        ("Which of these is a measure of how the work grows?", BloomLevel.REMEMBER),
        ("Which of these is a way to design a bridge?", BloomLevel.REMEMBER),
        ("What does 'mean' compute?", BloomLevel.REMEMBER),
        ("Who found the evidence for it?", BloomLevel.REMEMBER),
        (
            "It fails in unsorted lists, because it drops the _____.",
            BloomLevel.REMEMBER,
        ),
        ("Pores close, because the soil is dry.", BloomLevel.REMEMBER),
        ("How many parts does a plant have?", BloomLevel.REMEMBER),
        ("Why do leaves look green?", BloomLevel.UNDERSTAND),
        ("What happens when the soil is dry?", BloomLevel.UNDERSTAND),
        ("If the price falls, what will happen?", BloomLevel.APPLY),
        ("Calculate the interest of a year.", BloomLevel.APPLY),
        ("What is the difference between a root and a stem?", BloomLevel.ANALYZE),
        ("Should a saver choose the loan?", BloomLevel.EVALUATE),
        ("Design a circuit with two branches!", BloomLevel.CREATE),
    ],
)
def test_the_level_is_told_by_how_a_question_asks(
    prompt: str, level: BloomLevel
) -> None:
    """Else a subject that is called "design" makes memory look like creation."""
    assert measured_bloom(prompt) is level
