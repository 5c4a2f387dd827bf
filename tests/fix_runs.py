"""Runs of the lesson job: on the real instance, with counting stand-ins for ports."""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import dagster as dg
import psycopg
import pytest

from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.whisper.models import BUNDLED_MODEL
from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.lessons.recognition import Heard, Hints
from mentora_pipelines.domain.lessons.speech import Window
from mentora_pipelines.domain.lessons.transcripts import Recognition, Segment, Word
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.services import DatabaseUrls
from tests.fakes import FakeTranscriber

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Connection = psycopg.Connection[tuple[object, ...]]

_windows: dict[str, list[Window]] = {}
_heard: dict[bytes, Heard] = {}
"""Windows of an audio file and what Whisper heard in one, both named by content: one
test pays for them."""


class CountingTranscriber(WhisperTranscriber):
    """The real recogniser; it counts windows, and listens once to each sound."""

    def __init__(self) -> None:
        super().__init__(BUNDLED_MODEL)
        self.calls = 0

    def windows(self, audio: Path, after_s: float) -> Iterator[Window]:
        """The real windows, remembered for other tests."""
        name = hashlib.sha256(audio.read_bytes()).hexdigest()
        if name not in _windows:
            _windows[name] = list(super().windows(audio, 0.0))
        return (one for one in _windows[name] if one.start_s >= after_s)

    def hear(self, window: Window, hints: Hints) -> Heard:
        """What Whisper hears, remembered for other tests."""
        self.calls += 1
        sound = b"".join(stretch.sound.tobytes() for stretch in window.stretches)
        if sound not in _heard:
            _heard[sound] = super().hear(window, hints)
        return _heard[sound]


class HangingTranscriber(CountingTranscriber):
    """The real recogniser, which never comes back from one of its windows."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self._last = window

    def hear(self, window: Window, hints: Hints) -> Heard:
        """What Whisper hears, until the window that stays."""
        while self.calls + 1 == self._last:
            # Whoever watches kills this process now.
            sys.stdout.write("hangs\n")
            sys.stdout.flush()
            time.sleep(60)
        return super().hear(window, hints)


class CountingEmbedder(MiniLmEmbedder):
    """The real model; it counts the calls and the texts."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.texts = 0

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The real vectors."""
        self.calls += 1
        self.texts += len(texts)
        return super().embed(texts)


class HangingEmbedder(CountingEmbedder):
    """The real model, which never comes back from one of its calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._last = calls

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """The real vectors, until the call that stays."""
        while self.calls + 1 == self._last:
            # Whoever watches kills this process now.
            sys.stdout.write("hangs\n")
            sys.stdout.flush()
            time.sleep(60)
        return super().embed(texts)


class LongLesson(FakeTranscriber):
    """Hears a lesson of `chunks` sentences, each as long as a chunk may be."""

    def __init__(self, chunks: int) -> None:
        segments = []
        for number in range(chunks):
            start_s = number * 50.0
            pieces = f"Sentence number {number} is about photosynthesis.".split()
            words = tuple(
                Word(text, start_s + 8 * place, start_s + 8 * place + 7.5, 0.9)
                for place, text in enumerate(pieces)
            )
            segments.append(
                Segment(" ".join(pieces), words[0].start_s, words[-1].end_s, words)
            )
        heard = Recognition("en", chunks * 50.0, tuple(segments))
        super().__init__(heard, "tests/long-lesson")


class RunLesson(Protocol):
    """Runs the lesson job of a video."""

    def __call__(
        self,
        video: Video,
        *,
        job: str = "lesson_job",
        **resources: object,
    ) -> dg.ExecuteInProcessResult:
        """Run it with `resources` instead of those of the definitions."""
        ...


@pytest.fixture
def run_lesson(instance: dg.DagsterInstance) -> RunLesson:
    """The lesson job on the real instance, in this process."""

    def run(
        video: Video,
        *,
        job: str = "lesson_job",
        **resources: object,
    ) -> dg.ExecuteInProcessResult:
        return execute(instance, video, resources, job=job)

    return run


def execute(
    instance: dg.DagsterInstance,
    video: Video,
    resources: Mapping[str, object],
    tags: Mapping[str, str] | None = None,
    job: str = "lesson_job",
) -> dg.ExecuteInProcessResult:
    """Run a job of one video on `instance`."""
    instance.add_dynamic_partitions("videos", [str(video.id)])
    wired = dg.Definitions(
        assets=defs.assets,
        asset_checks=defs.asset_checks,
        jobs=defs.jobs,
        executor=defs.executor,
        resources={
            **(defs.resources or {}),
            "transcriber": CountingTranscriber(),
            **resources,
        },
    )
    return wired.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=str(video.id),
        tags=dict(tags or {}),
        raise_on_error=False,
    )


def figures(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, object]:
    """The numbers that an asset reported."""
    (materialization,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in materialization.metadata.items()}


def retries(result: dg.ExecuteInProcessResult) -> list[str]:
    """The steps that asked to be tried again, once for each time."""
    return [
        event.step_key or ""
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY
    ]


@pytest.fixture
def tidy(instance: dg.DagsterInstance) -> Iterator[None]:
    """Report killed runs at the end, as Dagster does for those it has launched."""
    yield
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        instance.report_run_failed(run, "killed by a test")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


@pytest.fixture
def admin(urls: DatabaseUrls) -> Iterator[Connection]:
    """A connection of the admin role; each statement is its own transaction."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app_database(urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of the app role."""
    with closing(Database(urls.app, "mentora-tests")) as database:
        yield database


def outlive_lease(admin: Connection, video: Video) -> None:
    """Let the lease of a video run out, as its time would."""
    admin.execute(
        "update leases set until = now() where video_id = %(id)s", {"id": video.id}
    )


VISIBLE = """
select chunk_text from video_chunks
where video_id = %(video_id)s
order by chunk_index
"""


@pytest.fixture
def visible(admin: Connection) -> Callable[[Video], list[str]]:
    """The texts of a video that readers see."""

    def read(video: Video) -> list[str]:
        rows = admin.execute(VISIBLE, {"video_id": video.id}).fetchall()
        return [str(text) for (text,) in rows]

    return read


TABLES = {
    "creators": "id",
    "videos": "creator_id",
    "transcripts": "creator_id",
    "caption_tracks": "creator_id",
    "transcript_chunks": "creator_id",
    "chunk_embeddings": "creator_id",
    "quizzes": "creator_id",
    "quiz_questions": "creator_id",
    "events": "creator_id",
}

ROWS = """
select t.xmin::text, t.ctid::text, t.tableoid::text, t::text
from {table} as t
where t.{owner} = %(creator_id)s
order by 4
"""
"""A row that is written anew has another transaction (`xmin`) and place (`ctid`)
even when its values are what they were."""


@pytest.fixture
def rows_of(admin: Connection) -> Callable[[UUID], dict[str, list[tuple[str, ...]]]]:
    """Every stored row of a creator, so that any write shows."""

    def read(creator_id: UUID) -> dict[str, list[tuple[str, ...]]]:
        return {
            table: [
                tuple(map(str, row))
                for row in admin.execute(
                    psycopg.sql.SQL(ROWS).format(
                        table=psycopg.sql.Identifier(table),
                        owner=psycopg.sql.Identifier(owner),
                    ),
                    {"creator_id": creator_id},
                )
            ]
            for table, owner in TABLES.items()
        }

    return read
