"""Where the words that readers see say what a question quotes."""

import pytest

from mentora_pipelines.domain.quizzes.standing import Line, Said, SpokenWords

WORDS = SpokenWords(
    [
        Line(0, 2, "Water rises."),
        Line(2, 5, "It  rises from"),
        Line(5, 5, ""),
        Line(5, 8, "the roots."),
        Line(8, 9, "Water rises."),
    ]
)


@pytest.mark.parametrize(
    ("quote", "near_s", "said"),
    [
        ("It rises from THE roots.", 0.0, Said(2, 8)),
        ("the\nroots.", 0.0, Said(5, 8)),
        ("Water rises.", 1.0, Said(0, 2)),
        ("Water rises.", 7.0, Said(8, 9)),
        ("the root", 0.0, None),
        ("Light falls.", 0.0, None),
    ],
)
def test_a_quotation_is_found_where_it_is_said_nearest(
    quote: str, near_s: float, said: Said | None
) -> None:
    """Else a question of a lesson that says something twice jumps to the other end."""
    assert WORDS.find(quote, near_s) == said


def test_what_is_said_now_is_told_without_its_neighbours() -> None:
    """Else a creator reads half of the lesson to find one changed word."""
    assert WORDS.between(2, 8) == "It  rises from the roots."
    assert WORDS.between(9, 12) == ""
