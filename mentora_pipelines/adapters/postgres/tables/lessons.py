"""Lessons: videos and what is made of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mentora_pipelines.adapters.postgres.repository.columns import Json
from mentora_pipelines.adapters.postgres.repository.declaration import Table


@dataclass(frozen=True, slots=True)
class VideoRow:
    """One uploaded lesson."""

    id: UUID
    creator_id: UUID
    title: str
    video_url: str | None
    storage_key: str
    upload_etag: str
    upload_number: int
    source_etag: str | None
    source_hash: str | None
    audio_key: str | None
    duration_s: float | None
    processing_status: str
    error_code: str | None
    error_message: str | None
    staged_transcript_id: UUID | None
    published_transcript_id: UUID | None
    full_transcript: str | None
    transcript_data: Json | None
    auto_generate_quiz: bool
    requeues: int
    processed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    staged_chunk_cut: str
    staged_caption_cut: str
    published_chunk_cut: str
    published_caption_cut: str


# What the steps of a lesson move is changed by their own statements alone.
VIDEOS = Table(
    "videos",
    VideoRow,
    changeable=frozenset({"title", "video_url", "auto_generate_quiz"}),
)


@dataclass(frozen=True, slots=True)
class TranscriptRow:
    """One version of a transcript."""

    id: UUID
    video_id: UUID
    creator_id: UUID
    source_hash: str
    fingerprint: str
    origin: str
    language: str
    duration_s: float
    word_count: int
    full_text: str
    segments: Json
    created_at: datetime
    edited_from: UUID | None


# A version never changes; the steps of a lesson write it.
TRANSCRIPTS = Table("transcripts", TranscriptRow, read_only=True)


@dataclass(frozen=True, slots=True)
class RecognisedWindowRow:
    """A part of a lesson that was recognised; times in seconds."""

    transcript_id: UUID
    video_id: UUID
    creator_id: UUID
    start_s: float
    end_s: float
    is_last: bool
    language: str | None
    language_probability: float
    words: Json
    doubts: Json
    speech_s: float
    redone: int
    created_at: datetime


RECOGNISED_WINDOWS = Table(
    "recognised_windows",
    RecognisedWindowRow,
    key=("transcript_id", "start_s"),
    read_only=True,
)


@dataclass(frozen=True, slots=True)
class CaptionTrackRow:
    """The captions of a transcript in one language."""

    transcript_id: UUID
    video_id: UUID
    creator_id: UUID
    language: str
    storage_key: str
    cues: Json
    created_at: datetime
    cut: str


CAPTION_TRACKS = Table(
    "caption_tracks", CaptionTrackRow, key=("transcript_id", "language", "cut")
)


@dataclass(frozen=True, slots=True)
class VideoCaptionRow:
    """The published captions of a video in one language."""

    video_id: UUID
    creator_id: UUID
    language: str
    storage_key: str
    cues: Json


VIDEO_CAPTIONS = Table(
    "video_captions", VideoCaptionRow, key=("video_id", "language"), read_only=True
)


@dataclass(frozen=True, slots=True)
class TranscriptChunkRow:
    """One chunk of one version of a transcript; times in seconds."""

    id: UUID
    transcript_id: UUID
    video_id: UUID
    creator_id: UUID
    chunk_index: int
    chunk_text: str
    text_hash: str
    token_count: int
    start_timestamp: float
    end_timestamp: float
    topic_tags: list[str]
    cut: str


TRANSCRIPT_CHUNKS = Table(
    "transcript_chunks",
    TranscriptChunkRow,
    read_only=True,
    left_out={"tsv": "computed by the server, for its own full-text search"},
)


@dataclass(frozen=True, slots=True)
class VideoChunkRow:
    """One published chunk; times in seconds."""

    id: UUID
    video_id: UUID
    creator_id: UUID
    chunk_text: str
    chunk_index: int
    start_timestamp: float
    end_timestamp: float
    topic_tags: list[str]


VIDEO_CHUNKS = Table(
    "video_chunks",
    VideoChunkRow,
    read_only=True,
    left_out={"embedding": "searched by the server, never read row by row"},
)


@dataclass(frozen=True, slots=True)
class EmbeddingGenerationRow:
    """One embedding model whose vectors are kept."""

    id: UUID
    provider: str
    model: str
    dimensions: int
    status: str
    recall: float | None
    created_at: datetime
    golden_mrr: float | None
    activated_at: datetime | None
    retired_at: datetime | None


EMBEDDING_GENERATIONS = Table(
    "embedding_generations", EmbeddingGenerationRow, tenant=None, read_only=True
)


@dataclass(frozen=True, slots=True)
class QuizRow:
    """One quiz of a lesson."""

    id: UUID
    video_id: UUID
    creator_id: UUID
    transcript_id: UUID
    writer_fingerprint: str
    question_count: int
    wishes: str
    status: str
    refused: Json
    changed: Json
    approved_at: datetime | None
    published_at: datetime | None
    stale_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


QUIZZES = Table("quizzes", QuizRow, changeable=frozenset({"status"}))


@dataclass(frozen=True, slots=True)
class QuizQuestionRow:
    """One question with its evidence; times in seconds."""

    id: UUID
    quiz_id: UUID
    creator_id: UUID
    position: int
    kind: str
    prompt: str
    options: list[str]
    answer: str
    further_answers: list[str]
    quote: str
    chunk_id: UUID | None
    start_s: float
    end_s: float
    difficulty: str
    bloom_level: str
    edits: int
    edited_at: datetime | None


QUIZ_QUESTIONS = Table("quiz_questions", QuizQuestionRow)


@dataclass(frozen=True, slots=True)
class QuizQuestionEditRow:
    """What a question was before one of its edits."""

    id: UUID
    creator_id: UUID
    question_id: UUID
    number: int
    before: Json
    edited_at: datetime


QUIZ_QUESTION_EDITS = Table(
    "quiz_question_edits", QuizQuestionEditRow, identity=("question_id", "number")
)


@dataclass(frozen=True, slots=True)
class QuizRequestRow:
    """Under which name a quiz was asked for, and why there is none."""

    id: UUID
    creator_id: UUID
    quiz_id: UUID | None
    reason: str | None
    created_at: datetime


QUIZ_REQUESTS = Table("quiz_requests", QuizRequestRow)


@dataclass(frozen=True, slots=True)
class PaidAnswerRow:
    """What a hosted model has answered about a quiz in the making."""

    quiz_id: UUID
    request_hash: str
    video_id: UUID
    creator_id: UUID
    answer: str
    created_at: datetime


PAID_ANSWERS = Table(
    "paid_answers", PaidAnswerRow, key=("quiz_id", "request_hash"), read_only=True
)
