"""Item statistics: what students' answers say about the questions.

Here belong the figures of a question and when it should be looked at. Not here:
counting answers, which SQL does, or computing from the counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.quizzes.questions import Question, QuestionKind

MIN_ATTEMPTS = 20
"""With fewer students a correlation of zero shows as 0.45 or -0.45 one time in twenty
(standard error 1/sqrt(n - 1))."""

MIN_ATTEMPTS_FOR_OPTIONS = 40
"""A distractor that one student in ten takes goes unused by forty with 1.5 %."""

TOO_HARD, TOO_EASY = 0.2, 0.95
"""Below the first guesses among four do better; above the second everybody knows."""

POOR_DISCRIMINATION = 0.1
"""Ebel and Frisbie (1991) reject items below 0.19; a short quiz's rest score is noisy,
so that only half of it is a reason to look."""

LOOK_BACK = timedelta(days=7)
"""A weekly look is about the quizzes that were taken since the last one."""

MAX_QUIZZES = 1_000


class Flag(StrEnum):
    """Why somebody should look at a question."""

    TOO_HARD = "too_hard"
    TOO_EASY = "too_easy"
    WRONG_KEY = "wrong_key"
    """The better students choose something else: is the right option marked?"""
    POOR_DISCRIMINATION = "poor_discrimination"
    UNUSED_DISTRACTOR = "unused_distractor"


@dataclass(frozen=True, slots=True)
class PlacedQuestion:
    """A question and where its creator finds it: `number` counts from 1."""

    quiz_id: UUID
    number: int
    question: Question


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """How many students gave an answer and had `rest` other questions right.

    Of each student the first attempt counts, since retakes know the answers. `answer`
    is what was chosen, in the order of its letters; empty where students write.
    """

    question_id: UUID
    answer: tuple[str, ...]
    is_right: bool
    rest: int
    students: int


@dataclass(frozen=True, slots=True)
class OptionUse:
    """How many students chose an option; `mean_rest` is how well they did elsewhere."""

    option: str
    is_right: bool
    students: int
    mean_rest: float | None


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """What the answers to one question say.

    `difficulty` is the share that had it right (1 is easiest). `discrimination` is the
    correlation between having it right and the number of other questions right
    (corrected point-biserial), None where one of the two never varies.
    """

    question_id: UUID
    students: int
    difficulty: float
    discrimination: float | None
    options: tuple[OptionUse, ...]


@runtime_checkable
class ItemAnalyst(Protocol):
    """Computes figures from counts."""

    def figures(
        self, questions: Mapping[UUID, Question], counts: Sequence[AnswerCount]
    ) -> list[ItemFigures]:
        """The figures of each question that was answered, in the order given."""
        ...


@runtime_checkable
class AnswerCounts(Protocol):
    """Counts answers across creators."""

    def quizzes_taken(self, within: timedelta, limit: int) -> list[UUID]:
        """Quizzes that students took in the last `within`, those taken most first."""
        ...

    def questions_of(self, quiz_ids: Sequence[UUID]) -> dict[UUID, PlacedQuestion]:
        """The questions of quizzes by id, in their order."""
        ...

    def answer_counts(self, quiz_ids: Sequence[UUID]) -> list[AnswerCount]:
        """How often each answer was given since its question was edited last."""
        ...


def flags_of(question: Question, figures: ItemFigures) -> tuple[Flag, ...]:
    """Why a question should be looked at; empty while too few have answered it."""
    if figures.students < MIN_ATTEMPTS:
        return ()
    flags = []
    if figures.difficulty < TOO_HARD:
        flags.append(Flag.TOO_HARD)
    if figures.difficulty > TOO_EASY:
        flags.append(Flag.TOO_EASY)
    if _has_wrong_key(question, figures):
        flags.append(Flag.WRONG_KEY)
    elif (
        figures.discrimination is not None
        and figures.discrimination < POOR_DISCRIMINATION
    ):
        flags.append(Flag.POOR_DISCRIMINATION)
    # True and False are no distractors that somebody has chosen.
    if (
        question.kind is not QuestionKind.TRUE_FALSE
        and figures.students >= MIN_ATTEMPTS_FOR_OPTIONS
        and any(not use.students and not use.is_right for use in figures.options)
    ):
        flags.append(Flag.UNUSED_DISTRACTOR)
    return tuple(flags)


def _has_wrong_key(question: Question, figures: ItemFigures) -> bool:
    """Whether those who do well elsewhere prefer a wrong option."""
    if figures.discrimination is None or figures.discrimination >= 0:
        return False
    if question.kind is not QuestionKind.MULTIPLE_CHOICE:
        return figures.discrimination < -POOR_DISCRIMINATION
    right = [
        use.mean_rest
        for use in figures.options
        if use.is_right and use.mean_rest is not None
    ]
    wrong = [
        use.mean_rest
        for use in figures.options
        if not use.is_right
        and use.mean_rest is not None
        and use.students * len(figures.options) >= figures.students
    ]
    return bool(wrong) and max(wrong) > max(right, default=0.0)


@dataclass(frozen=True, slots=True)
class ItemReport:
    """A question with its place, its figures and its flags."""

    place: PlacedQuestion
    figures: ItemFigures
    flags: tuple[Flag, ...]

    @property
    def question(self) -> Question:
        """The question itself."""
        return self.place.question


def item_reports(
    quiz_ids: Sequence[UUID], *, counts: AnswerCounts, analyst: ItemAnalyst
) -> list[ItemReport]:
    """A report on each question of the quizzes that was answered."""
    if not quiz_ids:
        return []
    places = counts.questions_of(quiz_ids)
    questions = {question_id: place.question for question_id, place in places.items()}
    found = analyst.figures(questions, counts.answer_counts(quiz_ids))
    return [
        ItemReport(
            places[one.question_id], one, flags_of(questions[one.question_id], one)
        )
        for one in found
    ]
