"""Quizzes: drafts of questions about a published lesson.

Here belong the shape of a quiz, its states and its port to the store. Not here: when
one is written (`writing`), what makes a question good (`validation`), or what a creator
does with a quiz (`life`).
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import question_id_of
from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.review import Refusal
from mentora_pipelines.domain.videos import Video

DEFAULT_QUESTION_COUNT = 10


class QuizStatus(StrEnum):
    """`draft → approved → published`, `stale` when its evidence is gone.

    `discarded`: its creator did not want it; it is kept, and nobody is shown it.
    """

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"
    STALE = "stale"
    DISCARDED = "discarded"


SETTLED = frozenset({QuizStatus.APPROVED, QuizStatus.PUBLISHED})
"""Somebody has read it and wants it."""

STANDING = SETTLED | {QuizStatus.DRAFT}
"""Its questions stay where they are: another quiz does not ask them again."""

NOT_STALE = STANDING | {QuizStatus.DISCARDED}
"""What its writer need not propose again while there is anything else."""


@dataclass(frozen=True, slots=True)
class ChangedSpan:
    """Where the lesson says something else; times in seconds, of the old version.

    `now` is what the newer version says there, empty when nothing.
    """

    question_id: UUID
    quote: str
    start_s: float
    end_s: float
    now: str


@dataclass(frozen=True, slots=True)
class Quiz:
    """Questions about one transcript version; `id` follows from what was asked for.

    `wishes` is the key of `QuizWishes`. `changed` says why a stale quiz is stale.
    """

    id: UUID
    transcript_id: UUID
    status: QuizStatus
    writer_fingerprint: str
    questions: tuple[Question, ...]
    question_count: int = DEFAULT_QUESTION_COUNT
    wishes: str = ""
    changed: tuple[ChangedSpan, ...] = ()

    @property
    def question_ids(self) -> tuple[UUID, ...]:
        """The ids under which the questions are stored and answered, in order."""
        return tuple(question_id_of(self.id, at) for at in range(len(self.questions)))


@runtime_checkable
class QuizReader(Protocol):
    """Reads the quizzes of a video."""

    def quizzes(self, video: Video) -> list[Quiz]:
        """The quizzes of a video with their questions, newest first."""
        ...


@runtime_checkable
class QuizStore(QuizReader, Protocol):
    """Keeps the quizzes of a video."""

    def writing_alone(self, video: Video) -> AbstractContextManager[None]:
        """While it lasts nobody else writes a quiz of this video; others wait.

        Raises `Busy` to those that have waited for long.
        """
        ...

    def add_quiz(
        self, video: Video, quiz: Quiz, refused: Sequence[Refusal] = ()
    ) -> None:
        """Store a quiz with its questions in one transaction; a stored one stays."""
        ...

    def answer_request(self, video: Video, requested_as: UUID, quiz_id: UUID) -> None:
        """Let whoever looks for `requested_as` find this quiz; the first one stays."""
        ...

    def refuse_request(self, video: Video, requested_as: UUID, reason: str) -> None:
        """Let whoever looks for `requested_as` find why there is no quiz (yet)."""
        ...


def asked_by(
    quizzes: Sequence[Quiz], states: Collection[QuizStatus] = NOT_STALE
) -> tuple[Question, ...]:
    """What the quizzes in these states ask, in their order."""
    return tuple(
        question
        for quiz in quizzes
        if quiz.status in states
        for question in quiz.questions
    )
