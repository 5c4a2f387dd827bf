"""The whole job on the real servers and the real models."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.questions import Question, QuizWishes
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode
from tests.fix_lessons import SAMPLES
from tests.fix_runs import (
    Connection,
    CountingEmbedder,
    CountingTranscriber,
    RunLesson,
    figures,
    retries,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Upload = Callable[[Path], Video]
Rows = Callable[[UUID], dict[str, list[tuple[str, ...]]]]
Visible = Callable[[Video], list[str]]

EVENTS = (
    "select name from events where creator_id = %(creator_id)s"
    " and name not like 'change/%%' order by name"
)


class NoQuizWriter:
    """A writer whose service refuses."""

    fingerprint = "tests/no-quiz"

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """Raise what no rule of ours foresees."""
        raise ValueError(f"{transcript.id}, {len(chunks)} chunks: no {wishes}")

    def repair(
        self,
        transcript: Transcript,
        chunks: Sequence[Chunk],
        question: Question,
        faults: Sequence[Fault],
    ) -> Question | None:
        """Never reached."""
        raise NotImplementedError(transcript, chunks, question, faults)


class WatchingEmbedder(CountingEmbedder):
    """Notes what readers see while the new version is being made."""

    def __init__(self, look: Callable[[], list[str]]) -> None:
        super().__init__()
        self._look = look
        self.seen: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The real vectors, after a look."""
        self.seen.append(self._look())
        return super().embed(texts)


def test_an_upload_becomes_a_published_lesson(
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    storage: FolderStorage,
    upload: Upload,
    visible: Visible,
    admin: Connection,
) -> None:
    """Else the product does nothing."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert run_lesson(video).success
    assert run_lesson(video, job="quiz_job").success

    after = catalogue.video(video.id)
    assert after.processing_status is ProcessingStatus.COMPLETED
    assert after.is_settled
    assert after.duration_s == pytest.approx(100.4, abs=0.2)
    assert after.published_transcript_id is not None
    transcript = lessons.transcript(after, after.published_transcript_id)
    assert "oxygen" in transcript.text
    assert " ".join(visible(video)) == " ".join(s.text for s in transcript.segments)
    track = lessons.caption_track(after, transcript.id)
    assert track is not None
    with storage.open(track.storage_key) as captions:
        assert captions.read().startswith(b"WEBVTT\n\n00:00:0")
    (quiz,) = lessons.quizzes(after)
    assert len(quiz.questions) >= 5
    assert all(question.quote in transcript.text for question in quiz.questions)
    events = admin.execute(EVENTS, {"creator_id": video.creator_id}).fetchall()
    assert events == [
        ("quiz/generation.requested",),
        ("video/transcription.completed",),
        ("video/upload.completed",),
    ]


def test_a_second_run_pays_nothing_and_writes_nothing(
    run_lesson: RunLesson, upload: Upload, rows_of: Rows
) -> None:
    """Else every repeat costs a recognition, and readers see rows change."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert run_lesson(video).success
    assert run_lesson(video, job="quiz_job").success
    before = rows_of(video.creator_id)
    assert all(before.values()), "a table without a row would prove nothing"

    transcriber, embedder = CountingTranscriber(), CountingEmbedder()
    again = run_lesson(video, transcriber=transcriber, embedder=embedder)
    assert again.success
    assert rows_of(video.creator_id) == before
    assert (transcriber.calls, embedder.calls) == (0, 0)
    assert figures(again, "audio")["decoded"] is False
    assert figures(again, "transcripts")["recognised"] is False
    assert figures(again, "captions")["written"] is False
    assert figures(again, "chunks")["rows_written"] == 0
    assert figures(again, "embeddings")["embedding_calls"] == 0
    assert figures(again, "embeddings")["embedded"] == 0
    assert figures(again, "published_lessons")["published_now"] is False
    quiz_again = run_lesson(video, job="quiz_job")
    assert figures(quiz_again, "quizzes")["written"] is False
    assert rows_of(video.creator_id) == before


def test_other_bytes_under_the_same_key_replace_everything_at_once(
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    storage: FolderStorage,
    upload: Upload,
    visible: Visible,
) -> None:
    """Else readers see a mix of two lessons, or nothing while one is made."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert run_lesson(video).success
    assert run_lesson(video, job="quiz_job").success
    old = visible(video)

    replace(storage, video, SAMPLES / "binary-search.mp4")
    assert register(catalogue, storage, video) == ProcessingStatus.PENDING
    embedder = WatchingEmbedder(lambda: visible(video))
    result = run_lesson(video, embedder=embedder)
    assert result.success
    assert run_lesson(video, job="quiz_job").success
    assert embedder.seen == [old]

    new = visible(video)
    assert not set(new) & set(old)
    after = catalogue.video(video.id)
    assert after.is_settled
    assert after.published_transcript_id is not None
    transcript = lessons.transcript(after, after.published_transcript_id)
    assert " ".join(new) == " ".join(s.text for s in transcript.segments)
    newest, earlier = lessons.quizzes(after)
    assert newest.transcript_id == transcript.id
    assert (newest.status, earlier.status) == ("draft", "stale")


def test_the_same_bytes_uploaded_again_are_not_worked_on_again(
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    storage: FolderStorage,
    upload: Upload,
    rows_of: Rows,
) -> None:
    """Else touching a file costs a recognition."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert run_lesson(video).success
    before = rows_of(video.creator_id)

    replace(storage, video, SAMPLES / "photosynthesis.mp4")
    assert register(catalogue, storage, video) == ProcessingStatus.PENDING
    transcriber, embedder = CountingTranscriber(), CountingEmbedder()
    result = run_lesson(video, transcriber=transcriber, embedder=embedder)
    assert result.success
    assert (transcriber.calls, embedder.calls) == (0, 0)
    assert figures(result, "audio")["decoded"] is False
    assert catalogue.video(video.id).is_settled
    # Only the status went to and fro, and the second upload is an event.
    after = rows_of(video.creator_id)
    unchanged = set(before) - {"videos", "events"}
    assert {t: after[t] for t in unchanged} == {t: before[t] for t in unchanged}


def test_an_upload_that_fails_leaves_the_published_lesson_to_readers(
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    storage: FolderStorage,
    upload: Upload,
    visible: Visible,
    media: Path,
) -> None:
    """Else one broken upload takes a good lesson away from its students."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert run_lesson(video).success
    old = visible(video)
    for name in ("not_media", "no_speech"):
        replace(storage, video, media / f"{name}.mp4")
        register(catalogue, storage, video)
        assert not run_lesson(video).success
        assert catalogue.video(video.id).error_code == ErrorCode(name)
        assert visible(video) == old

    replace(storage, video, SAMPLES / "photosynthesis.mp4")
    register(catalogue, storage, video)
    assert run_lesson(video).success
    assert catalogue.video(video.id).is_settled
    assert visible(video) == old


def test_a_quiz_that_fails_leaves_the_lesson_completed(
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    upload: Upload,
    visible: Visible,
) -> None:
    """Else a lesson disappears because of an extra."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert run_lesson(video).success
    result = run_lesson(video, job="quiz_job", quiz_writer=NoQuizWriter())
    assert not result.success
    assert retries(result) == []
    after = catalogue.video(video.id)
    assert after.is_settled
    assert after.error_message is None
    assert visible(video)
    assert lessons.quizzes(after) == []

    assert run_lesson(video, job="quiz_job").success
    assert len(lessons.quizzes(after)) == 1


def replace(storage: FolderStorage, video: Video, file: Path) -> None:
    """Store other bytes under the key of `video`, at a time of their own."""
    before = storage.stat(video.storage_key)
    with file.open("rb") as content:
        storage.put(video.storage_key, content)
    path = storage.root / video.storage_key
    if before is not None:
        # Two uploads within the clock of the file system would look like one.
        later_ns = path.stat().st_mtime_ns + 1_000_000
        os.utime(path, ns=(later_ns, later_ns))


def register(
    catalogue: PostgresCatalogue, storage: FolderStorage, video: Video
) -> ProcessingStatus:
    """Tell the catalogue what lies under the key, as the sensor would."""
    stored = storage.stat(video.storage_key)
    assert stored is not None
    key = parse_upload_key(video.storage_key)
    return catalogue.register_upload(stored, key).processing_status
