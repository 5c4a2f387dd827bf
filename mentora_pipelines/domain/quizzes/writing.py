"""Writing: when a quiz is written, what of it is stored, and who is told.

Here belongs the one quiz of each order. Not here: proposing questions (`QuizWriter`),
or which of them may be stored (`review`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from mentora_pipelines.domain.identity import quiz_id_of
from mentora_pipelines.domain.lessons.chunks import ChunkStore
from mentora_pipelines.domain.lessons.transcripts import TranscriptStore
from mentora_pipelines.domain.quizzes.conflicts import TextEmbedder
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.measures import QuizMeasures, measured
from mentora_pipelines.domain.quizzes.paid_answers import (
    PaidAnswers,
    PaidAnswerStore,
    remembering,
)
from mentora_pipelines.domain.quizzes.questions import (
    Question,
    QuizWishes,
    QuizWriter,
)
from mentora_pipelines.domain.quizzes.quizzes import (
    SETTLED,
    STANDING,
    Quiz,
    QuizStatus,
    QuizStore,
    asked_by,
)
from mentora_pipelines.domain.quizzes.review import (
    Review,
    review_questions,
    why_nothing,
)
from mentora_pipelines.domain.spending.usage import paid_by, payer_of
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import (
    ErrorCode,
    MentoraError,
    NotFound,
    OverBudget,
    ProviderAway,
    ProviderRefused,
    SetAside,
    SettingsError,
    TransientError,
)


class LessonWithQuizzes(
    TranscriptStore, ChunkStore, QuizStore, PaidAnswerStore, Protocol
):
    """What writing a quiz reads and writes."""


@dataclass(frozen=True, slots=True)
class QuizFigures:
    """What one run of `write_quiz` did; counts of questions.

    `review` and `measures` are None of a quiz that was there already. `reason` says why
    none is stored: nothing could be asked.
    """

    quiz_id: UUID
    questions: int
    review: Review | None
    measures: QuizMeasures | None
    reason: str | None = None

    @property
    def written(self) -> bool:
        """Whether this run wrote it."""
        return self.review is not None and self.reason is None


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
    the quiz with its reasons. In the place of a discarded quiz its next edition is
    written. `requested_as` is the name under which somebody waits for it. Raises
    `NotFound` when nothing is published.
    """
    if video.published_transcript_id is None:
        raise NotFound(f"video {video.id} is not published: run `published_lessons`")
    transcript_id = video.published_transcript_id

    def order() -> _Order:
        return _order(video, transcript_id, wishes, writer, store.quizzes(video))

    figures = order().figures
    if figures is None:
        with store.writing_alone(video):
            # Whoever came first may have written it meanwhile.
            wanted = order()
            answers = store.paid_answers(video, wanted.quiz_id)
            with _forgotten_if_no_quiz_comes_of(answers):
                figures = wanted.figures or _written_quiz(
                    wanted, paid_by(writer, payer_of(video)), store, embedder
                )
            answers.forget()
    if requested_as is not None and figures.reason is not None:
        store.refuse_request(video, requested_as, figures.reason)
    elif requested_as is not None:
        store.answer_request(video, requested_as, figures.quiz_id)
    return figures


@contextmanager
def _forgotten_if_no_quiz_comes_of(answers: PaidAnswers) -> Iterator[None]:
    """Let answers go with which each try would fail as this one has.

    They stay where asking for the rest has failed, or where trying again can help.
    """
    try:
        yield
    except (TransientError, OverBudget, ProviderRefused, SettingsError):
        raise
    except Exception:
        # What has failed is to be told, not this.
        with suppress(MentoraError):
            answers.forget()
        raise


@dataclass(frozen=True, slots=True)
class _Order:
    """The quiz that is wanted, and those that the video has already."""

    video: Video
    transcript_id: UUID
    quiz_id: UUID
    wishes: QuizWishes
    others: Sequence[Quiz]

    @property
    def figures(self) -> QuizFigures | None:
        """Those of the wanted quiz, if it is stored."""
        for quiz in self.others:
            if quiz.id == self.quiz_id:
                return QuizFigures(quiz.id, len(quiz.questions), None, None)
        return None


def _order(
    video: Video,
    transcript_id: UUID,
    wishes: QuizWishes,
    writer: QuizWriter,
    stored: Sequence[Quiz],
) -> _Order:
    discarded = {quiz.id for quiz in stored if quiz.status is QuizStatus.DISCARDED}
    while True:
        quiz_id = quiz_id_of(
            transcript_id, writer.fingerprint, wishes.question_count, wishes.key
        )
        if quiz_id not in discarded:
            return _Order(video, transcript_id, quiz_id, wishes, stored)
        wishes = replace(wishes, edition=wishes.edition + 1)


def _is_about_the_words(error: MentoraError) -> bool:
    return isinstance(error, ProviderRefused) and error.code is ErrorCode.INTERNAL


def _written_quiz(
    order: _Order, writer: QuizWriter, store: LessonWithQuizzes, embedder: TextEmbedder
) -> QuizFigures:
    video, transcript_id, wishes = order.video, order.transcript_id, order.wishes
    transcript = store.transcript(video, transcript_id)
    chunks = store.chunks(video, transcript_id)
    informed = replace(
        wishes, asked=asked_by(order.others), settled=asked_by(order.others, SETTLED)
    )

    writer = remembering(writer, store.paid_answers(video, order.quiz_id))

    missed: list[MentoraError] = []

    def repair(question: Question, faults: Sequence[Fault]) -> Question | None:
        try:
            return writer.repair(transcript, chunks, question, faults)
        except (OverBudget, SetAside, ProviderAway, ProviderRefused) as error:
            # The others are written and paid for: one less is no reason to lose them.
            if not _is_about_the_words(error):
                missed.append(error)
            return None

    review = review_questions(
        writer.write(transcript, chunks, informed)[: wishes.question_count],
        transcript,
        asked=asked_by(order.others, STANDING),
        embedder=embedder,
        repair=repair,
    )
    if not review.kept:
        if missed:  # the lesson is not to blame, and a later try can mend it
            raise missed[0]
        reason = why_nothing(review, informed)
        return QuizFigures(order.quiz_id, 0, review, None, reason)
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
