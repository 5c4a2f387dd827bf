"""Processes that are killed at the worst moment: every video ends, nothing twice."""

import os
import signal

import pytest

from soak.live_home import LiveHome
from tests.fix_lessons import SAMPLES

ASSETS = (
    "audio",
    "transcripts",
    "captions",
    "chunks",
    "embeddings",
    "published_lessons",
    "quizzes",
)
LESSON = SAMPLES / "compound-interest.mp4"


def check(home: LiveHome, videos: int = 1) -> None:
    """What must hold whatever was killed."""
    home.wait(lambda: home.ended(videos))
    assert home.statuses() == {"completed": videos}, home.told()
    home.wait(lambda: home.admin.execute("select from quizzes").rowcount == videos)
    assert home.duplicates() == []


@pytest.mark.parametrize("step", ASSETS)
def test_the_worker_is_killed_in_a_step(live_home: LiveHome, step: str) -> None:
    """Else a crash loses a lesson, or pays for it twice."""
    live_home.drop(LESSON, "lesson.mp4")
    live_home.start()
    live_home.kill_worker_in(step)
    check(live_home)


def test_worker_and_code_server_are_killed_together(live_home: LiveHome) -> None:
    """Else nobody notices, and the run is STARTED for ever."""
    live_home.drop(LESSON, "lesson.mp4")
    live_home.start()
    live_home.wait(lambda: live_home.step_runs("transcripts"))
    run_id = live_home.step_runs("transcripts")
    assert run_id is not None
    worker = live_home.worker_of(run_id)
    assert worker is not None
    for pid in (*live_home.pids("dagster api grpc"), worker):
        os.kill(pid, signal.SIGKILL)
    check(live_home)


@pytest.mark.parametrize("moment", ["queued", "started"])
def test_the_daemon_is_killed_between_launch_and_tick(
    live_home: LiveHome, moment: str
) -> None:
    """Else an upload is lost, or made twice."""
    live_home.drop(LESSON, "lesson.mp4")
    live_home.start()
    waits = (
        "select from runs"
        if moment == "queued"
        else ("select from runs where status = 'STARTED'")
    )
    live_home.wait(lambda: live_home.dagster.execute(waits.encode()).rowcount)
    live_home.kill_daemon()
    live_home.start()
    check(live_home)


def test_the_daemon_alone_is_killed_and_comes_back(live_home: LiveHome) -> None:
    """Else a restart of the daemon leaves orphans that work beside the new runs."""
    live_home.drop(LESSON, "lesson.mp4")
    live_home.start()
    live_home.wait(lambda: live_home.step_runs("transcripts"))
    live_home.kill_only_daemon()
    live_home.start()
    check(live_home)


def test_the_code_server_of_the_development_server_is_killed(
    live_home: LiveHome,
) -> None:
    """Else a crash stops every sensor until somebody looks at the UI."""
    samples = 3
    live_home.start_dev()
    live_home.wait(lambda: live_home.ended(samples))
    for pid in live_home.pids("dagster api grpc"):
        os.kill(pid, signal.SIGKILL)
    live_home.drop(LESSON, "lesson.mp4")
    check(live_home, samples + 1)
