"""A process that is killed outright in the middle of a long recognition."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mentora_pipelines.domain.videos import Video
from mentora_pipelines.settings.environment import child_environment
from tests.fix_runs import (
    Connection,
    CountingTranscriber,
    RunLesson,
    figures,
    outlive_lease,
)
from tests.fix_services import PROJECT
from tests.fix_whisper import sound_of, write_flac

RUN_THAT_HANGS = """
import sys
from uuid import UUID
import dagster as dg
from mentora_pipelines.providers.lessons import open_catalogue
from tests.fix_runs import HangingTranscriber, execute

with dg.DagsterInstance.from_config(".") as instance, open_catalogue() as catalogue:
    video = catalogue.video(UUID(sys.argv[1]))
    execute(instance, video, {"transcriber": HangingTranscriber(window=2)})
"""
"""Says `hangs` when it has come to its second window, and stays there."""

COUNT = "select from recognised_windows where video_id = %(video_id)s"


@pytest.mark.usefixtures("tidy")
def test_the_second_run_hears_only_the_windows_that_were_missing(
    home: Path,
    run_lesson: RunLesson,
    upload: Callable[[Path], Video],
    admin: Connection,
    tmp_path: Path,
) -> None:
    """Else a crash after 50 of 60 minutes costs 50 minutes."""
    # Speech, five minutes of a silent room, speech: two windows.
    speech = sound_of("photosynthesis", seconds=12)
    silence = np.zeros(16_000 * 320, np.int16)
    flac = write_flac(
        tmp_path / "lesson.flac", np.concatenate([speech, silence, speech])
    )
    video = upload(flac)
    with subprocess.Popen(
        [sys.executable, "-c", RUN_THAT_HANGS, str(video.id)],
        cwd=home,
        env=child_environment(PYTHONPATH=str(PROJECT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hangs\n"
        process.kill()
    assert admin.execute(COUNT, {"video_id": video.id}).rowcount == 1

    outlive_lease(admin, video)
    transcriber = CountingTranscriber()
    result = run_lesson(video, transcriber=transcriber)
    assert result.success
    made = figures(result, "transcripts")
    assert (made["windows_remembered"], made["windows_recognised"]) == (1, 1)
    assert transcriber.calls == 1
    assert admin.execute(COUNT, {"video_id": video.id}).rowcount == 0
    text = str(
        admin.execute(
            "select full_text from transcripts where video_id = %(video_id)s",
            {"video_id": video.id},
        ).fetchall()
    )
    assert text.lower().count("plants make their own food") == 2
