"""Lessons in the real database, with a row of each part."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.identity import transcript_id_of
from mentora_pipelines.domain.lessons.captions import CaptionTrack
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.cue_cutting import cut_cues
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import Question, QuestionKind
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.quizzes.review import Refusal
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import Video
from tests.lessons import chunks_of, transcript_of

MODEL = EmbeddingModel("local", "all-MiniLM-L6-v2-ct2-int8", 384)
"""The one of every test of a run: only one generation is active."""

SENTENCES = [
    "Glucose is a simple sugar.",
    "Starch is a chain of glucose.",
    "Cellulose forms the walls of cells.",
    "Light gives the plant its energy.",
    "Water rises from the roots.",
]

QUESTION = Question(
    QuestionKind.FILL_IN,
    "_____ is a simple sugar.",
    (),
    "Glucose",
    f"{SENTENCES[0]} {SENTENCES[1]}".upper(),
    0,
    0.0,
    5.0,
)


def register(
    catalogue: PostgresCatalogue,
    creator: str,
    etag: str = "1",
    name: str = "lesson.mp4",
) -> Video:
    """Register the upload of a creator under this name, with these bytes."""
    key = f"uploads/2026-11-01/{creator}/{name}"
    upload = StoredObject(key, etag, 1, datetime(2026, 11, 1, tzinfo=UTC))
    return catalogue.register_upload(upload, parse_upload_key(key))


SOURCE_HASH = "a" * 64


def transcript_for(video: Video, sentences: list[str]) -> Transcript:
    """A transcript of a stored video."""
    made = transcript_of(sentences)
    return replace(
        made,
        id=transcript_id_of(video.id, made.source_hash, made.fingerprint),
        video_id=video.id,
        creator_id=video.creator_id,
        # An edit is of the bytes that were taken in.
        source_hash=SOURCE_HASH,
    )


def unit_vectors(count: int) -> NDArray[np.float32]:
    """Different vectors of length one."""
    return np.eye(count, MODEL.dimensions, dtype=np.float32)


def take_in(lessons: PostgresLessons, video: Video, etag: str = "1") -> None:
    """Record that a run has taken in these bytes."""
    lessons.record_source(
        video, etag=etag, source_hash=SOURCE_HASH, audio_key="audio/a", duration_s=9
    )


def stored_lesson(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> tuple[Video, Transcript, list[Chunk], UUID]:
    """Store a whole staged lesson of a creator of its own; returns its parts."""
    video = register(catalogue, f"{uuid4()}@tests.example")
    take_in(lessons, video)
    transcript = transcript_for(video, SENTENCES)
    lessons.add_transcript(video, transcript)
    cues = cut_cues(word for s in transcript.segments for word in s.words)
    lessons.put_caption_track(
        video, transcript.id, CaptionTrack("en", "captions/a", cues)
    )
    chunks = chunks_of(transcript, 2)
    lessons.replace_chunks(video, transcript.id, chunks)
    generation_id = catalogue.writable_generation(MODEL)
    hashes = [chunk.text_hash for chunk in chunks]
    lessons.add_embeddings(video, generation_id, hashes, unit_vectors(len(hashes)))
    quiz = Quiz(uuid4(), transcript.id, QuizStatus.DRAFT, "test/1", (QUESTION,), 1)
    refused = Refusal(QUESTION, (Fault(FaultCode.TRIVIAL, "for a test"),))
    lessons.add_quiz(video, quiz, [refused])
    return catalogue.video(video.id), transcript, chunks, generation_id
