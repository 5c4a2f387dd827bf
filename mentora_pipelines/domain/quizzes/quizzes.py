"""Quizzes: drafts of questions about a published lesson.

Here belong the shape of a quiz, its port to the store and the rule when one is
written. Not here: what makes a question good (`validation`), or what a creator does
with a quiz (`life`).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import question_id_of, quiz_id_of
from mentora_pipelines.domain.lessons.chunks import ChunkStore
from mentora_pipelines.domain.lessons.transcripts import TranscriptStore
from mentora_pipelines.domain.quizzes.conflicts import TextEmbedder
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.measures import QuizMeasures, measured
from mentora_pipelines.domain.quizzes.questions import (
    Question,
    QuizWishes,
    QuizWriter,
)
from mentora_pipelines.domain.quizzes.review import (
    Refusal,
    Review,
    review_questions,
)
from mentora_pipelines.domain.spending.usage import paid_by, payer_of
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import (
    NotFound,
    OverBudget,
    ProviderAway,
    ProviderRefused,
)

DEFAULT_QUESTION_COUNT = 10


class QuizStatus(StrEnum):
    """`draft → approved → published`, and `stale` when its evidence is gone."""

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"
    STALE = "stale"


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

    def question_count(self, video: Video, quiz_id: UUID) -> int | None:
        """How many questions a stored quiz has, or None when there is no such quiz."""
        ...

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


class LessonWithQuizzes(TranscriptStore, ChunkStore, QuizStore, Protocol):
    """What writing a quiz reads and writes."""


@dataclass(frozen=True, slots=True)
class QuizFigures:
    """What one run of `write_quiz` did; counts of questions.

    `review` and `measures` are None of a quiz that was there already.
    """

    quiz_id: UUID
    questions: int
    review: Review | None
    measures: QuizMeasures | None

    @property
    def written(self) -> bool:
        """Whether this run wrote it."""
        return self.review is not None


def write_quiz(
    video: Video,
    wishes: QuizWishes,
    *,
    writer: QuizWriter,
    store: LessonWithQuizzes,
    embedder: TextEmbedder,
    requested_as: UUID | None = None,
) -> QuizFigures:
    """Write a draft about the published version unless this quiz exists.

    What the rules refuse is repaired once by the writer, else left out and kept beside
    the quiz with its reasons. `requested_as` is the name under which somebody waits for
    it. Raises `NotFound` when nothing is published.
    """
    if video.published_transcript_id is None:
        raise NotFound(f"video {video.id} is not published: run `published_lessons`")
    transcript_id = video.published_transcript_id
    quiz_id = quiz_id_of(
        transcript_id, writer.fingerprint, wishes.question_count, wishes.key
    )
    figures = _stored_quiz(video, quiz_id, store)
    if figures is None:
        with store.writing_alone(video):
            # Whoever came first may have written it meanwhile.
            figures = _stored_quiz(video, quiz_id, store)
            if figures is None:
                order = _Order(video, transcript_id, quiz_id, wishes)
                figures = _written_quiz(
                    order, paid_by(writer, payer_of(video)), store, embedder
                )
    if requested_as is not None:
        store.answer_request(video, requested_as, figures.quiz_id)
    return figures


def asked_by(quizzes: Sequence[Quiz]) -> tuple[Question, ...]:
    """What another quiz of the video should not ask again, in the quizzes' order."""
    return tuple(
        question
        for quiz in quizzes
        if quiz.status is not QuizStatus.STALE
        for question in quiz.questions
    )


def _stored_quiz(video: Video, quiz_id: UUID, store: QuizStore) -> QuizFigures | None:
    stored = store.question_count(video, quiz_id)
    return None if stored is None else QuizFigures(quiz_id, stored, None, None)


@dataclass(frozen=True, slots=True)
class _Order:
    video: Video
    transcript_id: UUID
    quiz_id: UUID
    wishes: QuizWishes


def _written_quiz(
    order: _Order, writer: QuizWriter, store: LessonWithQuizzes, embedder: TextEmbedder
) -> QuizFigures:
    video, transcript_id, wishes = order.video, order.transcript_id, order.wishes
    transcript = store.transcript(video, transcript_id)
    chunks = store.chunks(video, transcript_id)
    asked = asked_by(store.quizzes(video))
    informed = replace(wishes, asked=asked)

    def repair(question: Question, faults: Sequence[Fault]) -> Question | None:
        try:
            return writer.repair(transcript, chunks, question, faults)
        except (OverBudget, ProviderAway, ProviderRefused):
            # The others are written and paid for: one less is no reason to lose them.
            return None

    review = review_questions(
        writer.write(transcript, chunks, informed)[: wishes.question_count],
        transcript,
        asked=asked,
        embedder=embedder,
        repair=repair,
    )
    quiz = Quiz(
        id=order.quiz_id,
        transcript_id=transcript_id,
        status=QuizStatus.DRAFT,
        writer_fingerprint=writer.fingerprint,
        questions=review.kept,
        question_count=wishes.question_count,
        wishes=wishes.key,
    )
    store.add_quiz(video, quiz, review.refused)
    return QuizFigures(
        order.quiz_id, len(review.kept), review, measured(review.kept, transcript)
    )
