"""Hand-written stand-ins of our own ports, for the rules that need no server."""

import hashlib
import io
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from mentora_pipelines.domain.identity import creator_id_of, video_id_of
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.doubts import HeardStretch
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.lessons.recognition import (
    Heard,
    Hints,
    RecognisedWindow,
)
from mentora_pipelines.domain.lessons.speech import Span, Stretch, Window
from mentora_pipelines.domain.lessons.transcripts import (
    Recognition,
    Transcript,
    TranscriptVersion,
)
from mentora_pipelines.domain.quizzes.quizzes import Quiz
from mentora_pipelines.domain.quizzes.review import Refusal
from mentora_pipelines.domain.storage import StoredObject, checked_key
from mentora_pipelines.domain.uploads import KnownUpload, UploadKey
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode, NotFound, ObjectChanged
from tests.lessons import CREATOR_ID, VIDEO_ID

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


PENDING_VIDEO = Video(
    id=VIDEO_ID,
    creator_id=CREATOR_ID,
    creator_email="ada@tests.example",
    title="A lesson",
    storage_key="uploads/2026-11-01/ada@tests.example/lesson.mp4",
    upload_etag="1",
    upload_number=1,
    source_etag=None,
    source_hash=None,
    audio_key=None,
    duration_s=None,
    processing_status=ProcessingStatus.PENDING,
    error_code=None,
    error_message=None,
    staged_transcript_id=None,
    published_transcript_id=None,
    created_at=LONG_AGO,
    processed_at=None,
)


class FakeStorage:
    """Satisfies `ObjectStorage` in memory; counts the objects it has listed."""

    settle_s = 15.0

    def __init__(self, folder: Path | None = None) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.listed = 0
        self._sorted: list[str] = []
        self._bytes: dict[str, bytes] = {}
        self._folder = folder

    def add(self, key: str, etag: str = "1", modified: datetime = LONG_AGO) -> None:
        """Make an object that only listings see, its key unchecked as in a bucket."""
        self.objects[key] = StoredObject(key, etag, 1, modified)

    def stat(self, key: str) -> StoredObject | None:
        """The object under `key`, or None."""
        return self.objects.get(checked_key(key))

    @contextmanager
    def open(self, key: str, *, etag: str | None = None) -> Iterator[BinaryIO]:
        """Read the object as a stream."""
        if key not in self._bytes:
            raise NotFound(key)
        if etag is not None and etag != self.objects[key].etag:
            raise ObjectChanged(key)
        yield io.BytesIO(self._bytes[key])

    @contextmanager
    def local(self, key: str, *, etag: str | None = None) -> Iterator[Path]:
        """The object as a file."""
        assert self._folder is not None
        with self.open(key, etag=etag) as content:
            path = self._folder / "object"
            path.write_bytes(content.read())
        yield path

    def put(self, key: str, content: BinaryIO) -> StoredObject:
        """Store the stream under `key`."""
        held = content.read()
        etag = hashlib.sha256(held).hexdigest()
        self._bytes[key] = held
        self.objects[key] = StoredObject(key, etag, len(held), LONG_AGO)
        return self.objects[key]

    def list(self, prefix: str, *, after: str = "", limit: int) -> list[StoredObject]:
        """At most `limit` objects under `prefix` above `after`, by key."""
        if len(self._sorted) != len(self.objects):
            self._sorted = sorted(self.objects)
        first = bisect_right(self._sorted, max(after, prefix))
        keys = [
            key for key in self._sorted[first : first + limit] if key.startswith(prefix)
        ]
        self.listed += len(keys)
        return [self.objects[key] for key in keys]


class FakeCatalogue:
    """Satisfies `UploadCatalogue`; `absent` are creators' ids that do not exist."""

    def __init__(self) -> None:
        self.known: dict[str, KnownUpload] = {}
        self.absent: set[UUID] = set()
        self.registered: list[str] = []
        self.refused: set[str] = set()

    def known_uploads(self, keys: Iterable[str]) -> dict[str, KnownUpload]:
        """What is known of those of `keys` that have a video."""
        return {key: self.known[key] for key in keys if key in self.known}

    def has_uploads(self) -> bool:
        """Whether there is any video."""
        return bool(self.known)

    def refuse_uploads(
        self, refused: Sequence[tuple[StoredObject, str]], limit: int
    ) -> list[str]:
        """Keep those that are new."""
        new = [upload.key for upload, _ in refused if upload.key not in self.refused]
        self.refused |= {*new[:limit]}
        return new[:limit]

    def register_upload(
        self, upload: StoredObject, key: UploadKey, title: str | None = None
    ) -> Video:
        """Make (or find) the video of an upload."""
        if key.creator in self.absent:
            raise NotFound(f"there is no creator {key.creator}")
        self.registered.append(upload.key)
        before = self.known.get(upload.key)
        if before is None or before.etag != upload.etag:
            self.announce(upload)
        return replace(
            PENDING_VIDEO,
            id=video_id_of(upload.key),
            creator_id=creator_id_of(str(key.creator)),
            title=title or key.title,
            storage_key=upload.key,
            upload_etag=upload.etag,
        )

    def announce(self, upload: StoredObject) -> None:
        """Pretend that the video of an upload has its event."""
        self.known[upload.key] = KnownUpload(upload.etag, lost_event=False)

    def lose_event(self, upload: StoredObject) -> None:
        """Pretend that a video waits and its event is gone."""
        self.known[upload.key] = KnownUpload(upload.etag, lost_event=True)


class FakeTranscriber:
    """Satisfies `Transcriber`: hears what it is told to, and counts."""

    def __init__(self, heard: Recognition, fingerprint: str = "test/v1") -> None:
        self.heard = heard
        self.fingerprint = fingerprint
        self.calls = 0
        self.hints: list[Hints] = []

    def windows(self, audio: Path, after_s: float) -> Iterator[Window]:
        """One window, a stretch for each segment, of a file that must exist."""
        assert audio.is_file()
        assert after_s == 0
        spans = [Span(one.start_s, one.end_s) for one in self.heard.segments]
        sound = np.zeros(0, np.float32)
        stretches = tuple(Stretch((span,), (span,), sound) for span in spans)
        yield Window(0.0, self.heard.duration_s, True, stretches)

    def hear(self, window: Window, hints: Hints) -> Heard:
        """What it was told to hear."""
        self.calls += 1
        self.hints.append(hints)
        stretches = tuple(
            HeardStretch(segment.words, stretch.speech, -0.1, 0.0)
            for segment, stretch in zip(
                self.heard.segments, window.stretches, strict=True
            )
        )
        return Heard(self.heard.language, 1.0, stretches)

    def hear_again(self, stretch: Stretch, hints: Hints) -> HeardStretch:
        """Nothing: what was heard first is better."""
        assert hints
        return HeardStretch((), stretch.speech, -9.0, 1.0)


class FakeEmbedder:
    """Satisfies `Embedder`: unit vectors from hashes; `paid` are the texts sent."""

    model = EmbeddingModel("test", "hash", 8)

    def __init__(self) -> None:
        self.paid: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text."""
        self.paid += texts
        rows = [
            np.frombuffer(hashlib.sha256(text.encode()).digest()[:8], dtype=np.uint8)
            for text in texts
        ]
        vectors = np.array(rows, dtype=np.float32) + 1
        unit: NDArray[np.float32] = vectors / np.linalg.norm(
            vectors, axis=1, keepdims=True
        )
        return unit


class FakeLessonStore:
    """Satisfies the ports of the steps, for one video, in memory."""

    def __init__(self) -> None:
        self.versions: dict[UUID, Transcript] = {}
        self.windows: dict[UUID, list[RecognisedWindow]] = {}
        self.hints = Hints()
        self.staged: UUID | None = None
        self.marked: list[str] = []
        self.stored_chunks: dict[UUID, list[Chunk]] = {}
        self.vectors: dict[str, NDArray[np.float32]] = {}
        self.stored_quizzes: dict[UUID, Quiz] = {}
        self.refused: dict[UUID, list[Refusal]] = {}
        self.requests: dict[UUID, UUID] = {}
        self.reasons: dict[UUID, str] = {}
        self.answers: dict[UUID, FakeAnswers] = {}
        self.quiz_failed = False
        self.quiz_fault: Exception | None = None
        """What storing a quiz raises."""

    def mark_processing(self, video: Video) -> None:
        """Remember it."""
        self.marked.append(f"processing {video.id}")

    def mark_failed(self, video: Video, code: ErrorCode) -> None:
        """Remember it."""
        self.marked.append(f"failed {video.id} {code}")

    def transcript(self, video: Video, transcript_id: UUID) -> Transcript:
        """A version of the one video."""
        if transcript_id not in self.versions:
            raise NotFound(f"{video.id} {transcript_id}")
        return self.versions[transcript_id]

    def transcript_version(
        self, video: Video, transcript_id: UUID
    ) -> TranscriptVersion | None:
        """What is known of a version, or None."""
        found = self.versions.get(transcript_id)
        if found is None:
            return None
        assert found.video_id == video.id
        return TranscriptVersion(
            found.id, found.source_hash, found.fingerprint, found.origin
        )

    def stage_transcript(self, video: Video, transcript_id: UUID) -> None:
        """Stage a stored version."""
        assert self.versions[transcript_id].video_id == video.id
        self.staged = transcript_id

    def add_transcript(self, video: Video, transcript: Transcript) -> None:
        """Store a version and stage it; a stored one stays."""
        self.versions.setdefault(transcript.id, transcript)
        self.windows.clear()
        self.stage_transcript(video, transcript.id)

    def recognised_windows(
        self, video: Video, transcript_id: UUID
    ) -> list[RecognisedWindow]:
        """The windows of a version that are done."""
        assert video.creator_id == CREATOR_ID
        return list(self.windows.get(transcript_id, []))

    def add_recognised_window(
        self, video: Video, transcript_id: UUID, window: RecognisedWindow
    ) -> None:
        """Remember a window; the first one makes it forget other versions."""
        assert video.creator_id == CREATOR_ID
        if window.start_s == 0:
            self.windows.clear()
        self.windows.setdefault(transcript_id, []).append(window)

    def recognition_hints(self, video: Video) -> Hints:
        """What a test has set."""
        assert video.creator_id == CREATOR_ID
        return self.hints

    def chunks(self, video: Video, transcript_id: UUID) -> list[Chunk]:
        """The chunks of a version."""
        assert video.creator_id == CREATOR_ID
        return self.stored_chunks.get(transcript_id, [])

    def staged_chunks(self, video: Video) -> list[Chunk]:
        """The chunks that were written last."""
        assert video.creator_id == CREATOR_ID
        return next(reversed(self.stored_chunks.values()), [])

    def replace_chunks(
        self, video: Video, transcript_id: UUID, chunks: Sequence[Chunk]
    ) -> int:
        """Make `chunks` all the chunks of a version."""
        assert video.creator_id == CREATOR_ID
        self.stored_chunks.pop(transcript_id, None)
        self.stored_chunks[transcript_id] = list(chunks)
        return len(chunks)

    def writable_generation(self, model: EmbeddingModel) -> UUID:
        """The model's own."""
        return model.generation_id

    def active_model(self) -> EmbeddingModel | None:
        """Nobody asks."""
        return None

    def building_models(self) -> list[EmbeddingModel]:
        """None is being made."""
        return []

    def missing_embeddings(
        self, video: Video, generation_id: UUID, chunks: Sequence[Chunk]
    ) -> Mapping[str, str]:
        """Text by hash of those chunks that have no vector yet."""
        assert generation_id
        assert video.creator_id == CREATOR_ID
        return {
            chunk.text_hash: chunk.text
            for chunk in chunks
            if chunk.text_hash not in self.vectors
        }

    def add_embeddings(
        self,
        video: Video,
        generation_id: UUID,
        text_hashes: Sequence[str],
        vectors: NDArray[np.float32],
    ) -> int:
        """Store one vector per hash; rows that exist stay."""
        assert generation_id
        assert video.creator_id == CREATOR_ID
        before = len(self.vectors)
        for text_hash, vector in zip(text_hashes, vectors, strict=True):
            self.vectors.setdefault(text_hash, vector)
        return len(self.vectors) - before

    def quizzes(self, video: Video) -> list[Quiz]:
        """Every stored quiz."""
        assert video.creator_id == CREATOR_ID
        return list(self.stored_quizzes.values())

    @contextmanager
    def writing_alone(self, video: Video) -> Iterator[None]:
        """Alone anyway: nothing here runs beside another."""
        assert video.creator_id == CREATOR_ID
        yield

    def add_quiz(
        self, video: Video, quiz: Quiz, refused: Sequence[Refusal] = ()
    ) -> None:
        """Store a quiz; a stored one stays."""
        assert video.creator_id == CREATOR_ID
        assert quiz.question_count > 0
        if self.quiz_fault is not None:
            raise self.quiz_fault
        self.stored_quizzes.setdefault(quiz.id, quiz)
        self.refused.setdefault(quiz.id, list(refused))

    def answer_request(self, video: Video, requested_as: UUID, quiz_id: UUID) -> None:
        """Remember under which name the quiz is looked for."""
        assert video.creator_id == CREATOR_ID
        self.requests.setdefault(requested_as, quiz_id)

    def quiz_came_to_nothing(self, video: Video) -> bool:
        """What a test says."""
        assert video.creator_id == CREATOR_ID
        return self.quiz_failed

    def paid_answers(self, video: Video, quiz_id: UUID) -> "FakeAnswers":
        """Those about one quiz."""
        assert video.creator_id == CREATOR_ID
        return self.answers.setdefault(quiz_id, FakeAnswers())

    def refuse_request(self, video: Video, requested_as: UUID, reason: str) -> None:
        """Remember why there is no quiz."""
        assert video.creator_id == CREATOR_ID
        self.reasons[requested_as] = reason


class FakeAnswers:
    """Satisfies `PaidAnswers` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def recall(self, request_hash: str) -> str | None:
        """What was answered before, or None."""
        return self.kept.get(request_hash)

    def keep(self, request_hash: str, answer: str) -> None:
        """Remember an answer."""
        self.kept[request_hash] = answer

    def forget(self) -> None:
        """Let all go."""
        self.kept.clear()
