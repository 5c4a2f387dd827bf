"""A worker that dies while the real daemon watches; `soak/` has the longer ones."""

from collections.abc import Iterator

import pytest

from tests.fix_commands import DemoHome
from tests.fix_lessons import SAMPLES
from tests.live_home import LiveHome, opened_home

CREATOR = "grace@tests.example"


@pytest.fixture
def live_home(demo_home: DemoHome) -> Iterator[LiveHome]:
    """The home of the demo, in which the daemon may be started again."""
    folder = demo_home.mentora.home
    with opened_home(folder, demo_home.mentora.variables()) as opened:
        yield opened


def test_a_lesson_whose_worker_is_killed_is_made_once(live_home: LiveHome) -> None:
    """Else a crash loses a lesson, makes it twice, or alarms its creator."""
    known, quizzes = live_home.count("videos"), live_home.count("quizzes")
    video_id = live_home.drop(SAMPLES / "photosynthesis.mp4", "lesson.mp4", CREATOR)
    with live_home.stopped_at("transcripts"):
        live_home.start()
        live_home.wait_for_writer("transcripts")
        live_home.kill(live_home.worker_in("transcripts"))
    live_home.wait(lambda: ("quiz_job", "SUCCESS", 1) in live_home.runs_of(video_id))
    assert live_home.statuses() == {"completed": known + 1}
    assert live_home.count("quizzes") == quizzes + 1
    assert live_home.duplicates() == []
    assert live_home.count("email_outbox") == 0
    assert live_home.runs_of(video_id) == [
        ("lesson_job", "FAILURE", 1),
        ("lesson_job", "SUCCESS", 1),
        ("quiz_job", "SUCCESS", 1),
    ]
