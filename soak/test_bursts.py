"""Many uploads at once: all wait their turn, and every one of them ends."""

from pathlib import Path

import numpy as np

from soak.live_home import LiveHome
from tests.fix_lessons import SAMPLES
from tests.fix_media import SAMPLE_RATE, write_video

UPLOADS = 50
MOST_RUNS = 4
"""`max_concurrent_runs` of dagster.yaml."""

LOST_MAIL = """
select count(*) from videos
where processing_status = 'failed' and not exists (
    select from email_outbox where subject_id = videos.id::text)
"""


def test_fifty_uploads_in_one_second_all_end(
    live_home: LiveHome, tmp_path: Path
) -> None:
    """Else a course moved in at once loses lessons, or stops the machine."""
    silence = np.zeros(3 * SAMPLE_RATE, dtype=np.int16)
    silent = write_video(tmp_path / "silent.mp4", silence)
    live_home.start()
    for number in range(UPLOADS):
        # Every fifth one is a lesson that must fail, with a mail.
        file = silent if number % 5 == 0 else SAMPLES / "compound-interest.mp4"
        creator = f"creator-{number % 7}@soak.example"
        live_home.drop(file, f"lesson-{number:02}.mp4", creator)
    live_home.wait(lambda: live_home.ended(UPLOADS), patience_s=3000)
    assert live_home.statuses() == {"completed": UPLOADS * 4 // 5, "failed": 10}
    assert live_home.duplicates() == []
    assert 1 < live_home.most_runs <= MOST_RUNS
    assert live_home.admin.execute(LOST_MAIL).fetchone() == (0,)


def test_an_upload_that_is_replaced_during_its_run_ends_as_the_newest(
    live_home: LiveHome,
) -> None:
    """Else readers see the lesson that its creator has replaced."""
    live_home.start()
    live_home.drop(SAMPLES / "compound-interest.mp4", "lesson.mp4")
    live_home.wait(lambda: live_home.step_runs("transcripts"))
    live_home.drop(SAMPLES / "photosynthesis.mp4", "lesson.mp4")
    live_home.wait(
        lambda: (
            live_home.ended(1)
            and live_home.admin.execute(
                "select from videos where full_transcript like '%oxygen%'"
            ).rowcount
            == 1
        )
    )
    assert live_home.statuses() == {"completed": 1}
    assert live_home.duplicates() == []
