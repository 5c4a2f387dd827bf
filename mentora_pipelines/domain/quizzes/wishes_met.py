"""Wishes met: how much of what was asked for a quiz has.

What a writer cannot write it leaves out: whoever asked is told, and need not count.
"""

from dataclasses import dataclass

from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.quizzes import Quiz


@dataclass(frozen=True, slots=True)
class WishMet:
    """Something that was asked for (as "hard"), and for how many it is so."""

    wish: str
    asked: str | int
    met: int
    of: int


def wishes_met(quiz: Quiz) -> tuple[WishMet, ...]:
    """The number of questions, then the difficulty and the level if one was asked."""
    wishes = QuizWishes.of_key(quiz.question_count, quiz.wishes)
    there = len(quiz.questions)
    met = [WishMet("questions", quiz.question_count, there, quiz.question_count)]
    if wishes.difficulty is not None:
        fitting = sum(q.difficulty is wishes.difficulty for q in quiz.questions)
        met.append(WishMet("difficulty", wishes.difficulty.value, fitting, there))
    if wishes.bloom_level is not None:
        fitting = sum(q.bloom_level is wishes.bloom_level for q in quiz.questions)
        met.append(WishMet("bloom_level", wishes.bloom_level.value, fitting, there))
    return tuple(met)
