"""Runs whose process is killed outright, at moments that a test chooses."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import dagster as dg
import pytest

from assets.tags import VIDEO_TAG
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.domain.lessons.embeddings import STORE_BATCH
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.settings.environment import child_environment
from tests.fix_commands import Mentora
from tests.fix_lessons import SAMPLES
from tests.fix_runs import (
    Connection,
    CountingEmbedder,
    LongLesson,
    RunLesson,
    figures,
    outlive_lease,
)
from tests.fix_services import PROJECT
from tests.waiting import wait_until

Upload = Callable[[Path], Video]
Visible = Callable[[Video], list[str]]

PATIENCE_S = 240.0
LONG = STORE_BATCH + 20
"""Chunks of a lesson whose vectors are stored in two batches."""

RUN_THAT_HANGS = """
import sys
from pathlib import Path
from uuid import UUID
import dagster as dg
from mentora_pipelines.providers.lessons import open_catalogue
from tests.fix_runs import HangingEmbedder, LongLesson, execute

video_id, chunks = sys.argv[1:]
resources = {
    "transcriber": LongLesson(int(chunks)), "embedder": HangingEmbedder(calls=2)}
with dg.DagsterInstance.from_config(".") as instance, open_catalogue() as catalogue:
    execute(instance, catalogue.video(UUID(video_id)), resources)
"""
"""Says `hangs` when it has come to its second batch of texts, and stays there."""


def kill_when_it_hangs(home: Path, video: Video) -> None:
    """Run the lesson job in a process of its own and kill it in the embeddings."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_THAT_HANGS, str(video.id), str(LONG)],
        cwd=home,
        env=child_environment(PYTHONPATH=str(PROJECT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        output: IO[str] | None = process.stdout
        assert output is not None
        assert output.readline() == "hangs\n"
        process.kill()


@pytest.mark.usefixtures("tidy")
def test_a_run_killed_between_two_batches_embeds_only_what_is_missing(
    home: Path,
    run_lesson: RunLesson,
    catalogue: PostgresCatalogue,
    upload: Upload,
    visible: Visible,
    admin: Connection,
    media: Path,
) -> None:
    """Else a crash in a long lesson is paid for again, or leaves duplicates."""
    video = upload(media / "tone.mp4")
    kill_when_it_hangs(home, video)
    assert stored_vectors(admin, video) == STORE_BATCH
    assert visible(video) == []

    outlive_lease(admin, video)
    transcriber, embedder = LongLesson(LONG), CountingEmbedder()
    result = run_lesson(video, transcriber=transcriber, embedder=embedder)
    assert result.success
    assert transcriber.calls == 0
    assert figures(result, "chunks")["rows_written"] == 0
    assert embedder.texts == LONG - STORE_BATCH
    assert stored_vectors(admin, video) == LONG
    assert visible(video) == [
        f"Sentence number {number} is about photosynthesis." for number in range(LONG)
    ]
    assert catalogue.video(video.id).is_settled


def test_a_command_that_was_killed_holds_up_no_other(
    mentora: Mentora,
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    upload: Upload,
    visible: Visible,
) -> None:
    """Else two closed terminals are enough to stop all recognition for ever."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    pools = instance.event_log_storage
    pools.set_concurrency_slots("recognition", 1)
    try:
        kill(mentora.start("process", video.id), lambda: in_recognition(instance) == 1)
        killed = catalogue.video(video.id)
        assert killed.processing_status is ProcessingStatus.PROCESSING
        assert killed.staged_transcript_id is None
        assert visible(video) == []
        # It needs the only place, which the first one held when it was killed.
        again = mentora("process", video.id, "--json")
    finally:
        pools.set_concurrency_slots("recognition", 2)
    assert again.code == 0, again.progress
    assert [found["status"] for found in again.json["videos"]] == ["completed"]
    assert catalogue.video(video.id).is_settled
    runs = instance.get_runs(dg.RunsFilter(tags={VIDEO_TAG: str(video.id)}))
    # The second is that of the quiz.
    statuses = sorted(run.status.value for run in runs)
    assert statuses == ["FAILURE", "SUCCESS", "SUCCESS"]
    assert in_recognition(instance) == 0


def test_a_command_ends_when_its_user_says_so(
    mentora: Mentora,
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    upload: Upload,
) -> None:
    """Else Ctrl-C is taken for a fault, and the step is tried again."""
    video = upload(SAMPLES / "binary-search.mp4")
    process = mentora.start("process", video.id)
    kill(process, lambda: in_recognition(instance) == 1, signal.SIGINT)
    assert process.returncode == 130
    assert catalogue.video(video.id).processing_status is ProcessingStatus.PROCESSING
    (run,) = instance.get_runs(dg.RunsFilter(tags={VIDEO_TAG: str(video.id)}))
    assert run.is_finished
    assert in_recognition(instance) == 0


def kill(
    process: subprocess.Popen[bytes],
    moment: Callable[[], bool],
    end: signal.Signals = signal.SIGKILL,
) -> None:
    """Send the signal when the moment has come, and wait for the process to end."""

    def has_come() -> bool:
        assert process.poll() is None, "it ended before it could be killed"
        return moment()

    with process:
        wait_until(has_come, PATIENCE_S)
        process.send_signal(end)


def in_recognition(instance: dg.DagsterInstance) -> int:
    """How many runs hold a place in the pool of recognition."""
    pool = instance.event_log_storage.get_concurrency_info("recognition")
    return pool.active_slot_count


def stored_vectors(admin: Connection, video: Video) -> int:
    """How many of its texts have a vector."""
    statement = "select from chunk_embeddings where video_id = %(video_id)s"
    return admin.execute(statement, {"video_id": video.id}).rowcount
