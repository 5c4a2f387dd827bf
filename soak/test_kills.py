"""Processes that are killed at the worst moment: every video ends, nothing twice."""

from uuid import UUID

import pytest

from tests.fix_lessons import SAMPLES
from tests.live_home import LiveHome

# Where each asset writes, so that it is killed in the middle of its transaction.
WRITES = {
    "audio": "videos",
    "transcripts": "transcripts",
    "captions": "caption_tracks",
    "chunks": "transcript_chunks",
    "embeddings": "chunk_embeddings",
    "published_lessons": "quizzes",
    "quizzes": "quiz_questions",
}


LESSON = SAMPLES / "compound-interest.mp4"


def check(home: LiveHome, video_id: UUID, videos: int = 1) -> None:
    """What must hold whatever was killed."""
    home.wait(lambda: home.ended(videos))
    assert home.statuses() == {"completed": videos}, home.told()
    home.wait(lambda: ("quiz_job", "SUCCESS", 1) in home.runs_of(video_id))
    assert home.count("quizzes") == videos
    assert home.duplicates() == []
    assert home.count("email_outbox") == 0
    assert home.seen.most["mentora/video"] == 1, "two runs worked on one video"


@pytest.mark.parametrize("step", WRITES)
def test_the_worker_is_killed_while_it_writes(shared_home: LiveHome, step: str) -> None:
    """Else a crash loses a lesson, or leaves half of it."""
    before = shared_home.count("videos")
    video_id = shared_home.drop(LESSON, f"killed-in-{step}.mp4")
    # Before it, others write to `videos`.
    shared_home.wait(
        lambda: ("lesson_job", "STARTED", 1) in shared_home.runs_of(video_id)
    )
    with shared_home.stopped_at(WRITES[step]):
        shared_home.wait_for_writer(WRITES[step])
        shared_home.kill(shared_home.worker_in(step))
    check(shared_home, video_id, before + 1)
    job = "quiz_job" if step == "quizzes" else "lesson_job"
    ends = [run[1] for run in shared_home.runs_of(video_id) if run[0] == job]
    assert ends == ["FAILURE", "SUCCESS"]


@pytest.mark.parametrize("step", ["transcripts", "quizzes"])
def test_worker_and_code_server_are_killed_together(
    live_home: LiveHome, step: str
) -> None:
    """Else nobody notices, and the run is STARTED for ever."""
    video_id = live_home.drop(LESSON, "lesson.mp4")
    live_home.start()
    with live_home.stopped_at(WRITES[step]):
        live_home.wait_for_writer(WRITES[step])
        live_home.kill(*live_home.pids("dagster api grpc"), live_home.worker_in(step))
    check(live_home, video_id)


@pytest.mark.parametrize("status", ["QUEUED", "STARTING", "STARTED"])
def test_the_daemon_is_killed_between_launch_and_tick(
    live_home: LiveHome, status: str
) -> None:
    """Else an upload is lost, or made twice."""
    video_id = live_home.drop(LESSON, "lesson.mp4")
    live_home.start()
    live_home.wait(
        lambda: (
            live_home.dagster.execute(
                "select from runs where status = %(status)s", {"status": status}
            ).rowcount
        )
    )
    live_home.kill_daemon()
    live_home.start()
    check(live_home, video_id)


def test_the_daemon_alone_is_killed_and_comes_back(live_home: LiveHome) -> None:
    """Else a restart of the daemon leaves orphans that work beside the new runs."""
    video_id = live_home.drop(LESSON, "lesson.mp4")
    live_home.start()
    live_home.wait(lambda: live_home.step_runs("transcripts"))
    live_home.kill_only_daemon()
    live_home.start()
    check(live_home, video_id)
    assert ("lesson_job", "SUCCESS", 1) in live_home.runs_of(video_id)


def test_the_code_server_of_the_development_server_is_killed(
    live_home: LiveHome,
) -> None:
    """Else a crash stops every sensor until somebody looks at the UI."""
    samples = 3
    live_home.start_dev()
    # The runs of the quizzes are being launched now.
    live_home.wait(lambda: live_home.ended(samples))
    live_home.kill(*live_home.pids("dagster api grpc"))
    video_id = live_home.drop(LESSON, "lesson.mp4")
    live_home.wait(lambda: live_home.count("quizzes") == samples + 1)
    check(live_home, video_id, samples + 1)
