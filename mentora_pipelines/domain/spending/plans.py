"""Plans: what processing a lesson would ask of providers, before it is asked.

Here belongs the walk through the steps of a lesson as a run would take them, with each
adapter saying which requests it would send. What is stored is not asked for again, so
a finished lesson has an empty plan. Nothing is written and nothing is spent; an upload
that nobody has taken in is decoded here, to know how long it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from mentora_pipelines.domain.caching.embeddings import TextModel
from mentora_pipelines.domain.identity import quiz_id_of, transcript_id_of
from mentora_pipelines.domain.lessons.audio import MediaDecoder, audio_key_of
from mentora_pipelines.domain.lessons.chunks import Chunk, ChunkStore, cut_chunks
from mentora_pipelines.domain.lessons.embeddings import EmbeddingStore, plan_embedding
from mentora_pipelines.domain.lessons.recognition import (
    RecognitionStore,
    Transcriber,
    known_version,
    remaining_s,
)
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.notices import QuizRequests
from mentora_pipelines.domain.quizzes.paid_answers import (
    PaidAnswerStore,
    remembering,
)
from mentora_pipelines.domain.quizzes.questions import (
    PlansQuiz,
    QuizWishes,
    QuizWriter,
)
from mentora_pipelines.domain.quizzes.quizzes import QuizStore, asked_by
from mentora_pipelines.domain.spending.stand_ins import (
    FAST_AND_LEARNED,
    ORDINARY,
    stand_in,
)
from mentora_pipelines.domain.spending.usage import (
    Operation,
    PlannedCall,
    PlansRecognition,
)
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, LessonRefused


class Basis(StrEnum):
    """How sure a stage's units are."""

    EXACT = "exact"
    UPPER_BOUND = "upper_bound"
    """Of what stands fast, such as a text and the longest answer to it."""
    ESTIMATE = "estimate"
    """The text does not exist yet: that many minutes of ordinary speech."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one step would ask of a provider; no calls: nothing."""

    operation: Operation
    basis: Basis
    calls: tuple[PlannedCall, ...]


@dataclass(frozen=True, slots=True)
class LessonPlan:
    """What a run of a video would ask for; `refused`: it cannot become a lesson."""

    video: Video
    stages: tuple[Stage, ...]
    refused: ErrorCode | None = None

    @property
    def calls(self) -> tuple[PlannedCall, ...]:
        """Those of all stages."""
        return tuple(call for stage in self.stages for call in stage.calls)


class PlannedLessons(
    RecognitionStore,
    ChunkStore,
    EmbeddingStore,
    QuizStore,
    QuizRequests,
    PaidAnswerStore,
    Protocol,
):
    """What of the store a plan looks into."""


@dataclass(frozen=True, slots=True)
class LessonServices:
    """Whom a run would ask; `next_embedders` make vectors that nobody searches yet."""

    storage: ObjectStorage
    decoder: MediaDecoder
    transcriber: Transcriber
    embedder: TextModel
    quiz_writer: QuizWriter
    next_embedders: Sequence[TextModel] = ()


def plan_lesson(
    video: Video,
    question_count: int,
    *,
    services: LessonServices,
    store: PlannedLessons,
) -> LessonPlan:
    """What a run of `video` would ask of providers as it stands.

    Raises `TransientError` when the upload or the store cannot be read.
    """
    try:
        video = _taken_in(video, services.storage, services.decoder)
    except LessonRefused as refused:
        return LessonPlan(video, (), refused.code)
    hearing, known = _hearing(video, services.transcriber, store)
    transcript = None if known is None else store.transcript(video, known)
    return LessonPlan(
        video,
        (
            hearing,
            _embedding(video, transcript, services, store),
            _quiz(video, transcript, question_count, services, store),
        ),
    )


def plan_reembedding(
    video: Video, *, embedder: TextModel, store: PlannedLessons
) -> LessonPlan:
    """What vectors of another model would take.

    For the chunks that readers see and those that are about to take their place.
    """
    chunks = store.staged_chunks(video)
    if video.published_transcript_id is not None:
        chunks += store.chunks(video, video.published_transcript_id)
    calls = _missing_calls(video, chunks, embedder, store)
    return LessonPlan(video, (Stage(Operation.EMBEDDING, Basis.EXACT, calls),))


def _taken_in(video: Video, storage: ObjectStorage, decoder: MediaDecoder) -> Video:
    """The video as it will be when its newest bytes are taken in.

    Raises `LessonRefused` when they cannot be.
    """
    upload = storage.stat(video.storage_key)
    if upload is None:
        raise LessonRefused(ErrorCode.UPLOAD_MISSING, "nothing under the storage key")
    if (
        video.source_etag == upload.etag
        and video.source_hash is not None
        and video.duration_s is not None
        and video.audio_key == audio_key_of(video.source_hash, decoder.fingerprint)
    ):
        return video
    with (
        storage.open(video.storage_key) as content,
        decoder.take_in(content, upload.size) as source,
        source.decode() as audio,
    ):
        return replace(
            video,
            source_etag=upload.etag,
            source_hash=source.sha256,
            duration_s=audio.duration_s,
        )


def _hearing(
    video: Video, transcriber: Transcriber, store: RecognitionStore
) -> tuple[Stage, UUID | None]:
    """What is left to hear, and the version that stands if nothing is."""
    hints = store.recognition_hints(video)
    fingerprint = hints.name(transcriber.fingerprint)
    wanted = transcript_id_of(video.id, video.source_hash or "", fingerprint)
    known = known_version(video, wanted, store)
    basis = Basis.EXACT
    calls: Sequence[PlannedCall] = ()
    if known is None and isinstance(transcriber, PlansRecognition):
        windows = store.recognised_windows(video, wanted)
        if not (windows and windows[-1].is_last):
            calls = transcriber.plan(remaining_s(video, windows))
            if not transcriber.hears_silence:
                basis = Basis.UPPER_BOUND
    return Stage(Operation.TRANSCRIPTION, basis, tuple(calls)), known


def _embedding(
    video: Video,
    transcript: Transcript | None,
    services: LessonServices,
    store: PlannedLessons,
) -> Stage:
    """What is left to embed, by each model whose vectors the lesson gets."""
    basis = Basis.EXACT
    if transcript is None:
        basis = Basis.ESTIMATE
        transcript = stand_in(video, video.duration_s or 0.0, ORDINARY)
    chunks = cut_chunks(transcript, services.embedder)
    calls = tuple(
        call
        for embedder in (services.embedder, *services.next_embedders)
        for call in _missing_calls(video, chunks, embedder, store)
    )
    return Stage(Operation.EMBEDDING, basis, calls)


def _missing_calls(
    video: Video, chunks: Sequence[Chunk], embedder: TextModel, store: EmbeddingStore
) -> tuple[PlannedCall, ...]:
    missing = store.missing_embeddings(video, embedder.model.generation_id, chunks)
    return tuple(plan_embedding(list(missing.values()), embedder))


def _quiz(
    video: Video,
    transcript: Transcript | None,
    question_count: int,
    services: LessonServices,
    store: PlannedLessons,
) -> Stage:
    """The quiz of the upload, which is asked for once, whatever became of it."""
    writer, counter = services.quiz_writer, services.embedder
    basis = Basis.UPPER_BOUND
    calls: Sequence[PlannedCall] = ()
    if transcript is None:
        basis = Basis.ESTIMATE
        transcript = stand_in(video, video.duration_s or 0.0, FAST_AND_LEARNED)
    if (
        video.auto_generate_quiz
        and isinstance(writer, PlansQuiz)
        and not _has_quiz(video, store)
        and not store.quiz_came_to_nothing(video)
    ):
        wishes = QuizWishes(question_count, asked=asked_by(store.quizzes(video)))
        quiz_id = quiz_id_of(
            transcript.id, writer.fingerprint, wishes.question_count, wishes.key
        )
        writer = remembering(writer, store.paid_answers(video, quiz_id))
        calls = writer.plan(transcript, cut_chunks(transcript, counter), wishes)
    return Stage(Operation.QUIZ, basis, tuple(calls))


def _has_quiz(video: Video, store: PlannedLessons) -> bool:
    """Whether these bytes had their quiz: other words, or a writer, ask for none."""
    versions = {quiz.transcript_id for quiz in store.quizzes(video)}
    found = (store.transcript_version(video, version) for version in versions)
    return any(
        one is not None and one.source_hash == video.source_hash for one in found
    )
