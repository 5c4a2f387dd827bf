"""Quizzes: drafts of questions about a published lesson.

Here belong the shape of a quiz, its port to the store and the rule when one is
written. Not here: what makes a question good (`questions`), or how a writer works.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import quiz_id_of
from mentora_pipelines.domain.lessons.chunks import ChunkStore
from mentora_pipelines.domain.lessons.questions import (
    Question,
    QuizWriter,
    accepted,
)
from mentora_pipelines.domain.lessons.transcripts import TranscriptStore
from mentora_pipelines.domain.spending.usage import paid_by, payer_of
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import NotFound

DEFAULT_QUESTION_COUNT = 10


class QuizStatus(StrEnum):
    """`draft → approved → published`, and `stale` when its evidence is gone."""

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Quiz:
    """Questions about one transcript version; `id` follows from what was asked for."""

    id: UUID
    transcript_id: UUID
    status: QuizStatus
    writer_fingerprint: str
    questions: tuple[Question, ...]


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

    def add_quiz(
        self,
        video: Video,
        quiz: Quiz,
        question_count: int,
        refused: Sequence[tuple[Question, str]],
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
    """What one run of `write_quiz` did; counts of questions."""

    quiz_id: UUID
    questions: int
    refused: int
    written: bool


def write_quiz(
    video: Video,
    question_count: int,
    *,
    writer: QuizWriter,
    store: LessonWithQuizzes,
    requested_as: UUID | None = None,
) -> QuizFigures:
    """Write a draft about the published version unless this quiz exists.

    What the rules refuse is left out and kept beside the quiz with its reason.
    `requested_as` is the name under which somebody waits for it. Raises `NotFound`
    when nothing is published.
    """
    if video.published_transcript_id is None:
        raise NotFound(f"video {video.id} is not published: run `published_lessons`")
    figures = _written_quiz(
        video,
        video.published_transcript_id,
        question_count,
        paid_by(writer, payer_of(video)),
        store,
    )
    if requested_as is not None:
        store.answer_request(video, requested_as, figures.quiz_id)
    return figures


def _written_quiz(
    video: Video,
    transcript_id: UUID,
    question_count: int,
    writer: QuizWriter,
    store: LessonWithQuizzes,
) -> QuizFigures:
    quiz_id = quiz_id_of(transcript_id, writer.fingerprint, question_count)
    stored = store.question_count(video, quiz_id)
    if stored is not None:
        return QuizFigures(quiz_id, stored, refused=0, written=False)
    transcript = store.transcript(video, transcript_id)
    chunks = store.chunks(video, transcript_id)
    kept, refused = accepted(
        writer.write(transcript, chunks, question_count), transcript
    )
    quiz = Quiz(
        id=quiz_id,
        transcript_id=transcript_id,
        status=QuizStatus.DRAFT,
        writer_fingerprint=writer.fingerprint,
        questions=tuple(kept),
    )
    store.add_quiz(video, quiz, question_count, refused)
    return QuizFigures(quiz_id, len(kept), len(refused), written=True)
