"""Many uploads at once: all wait their turn, and every one of them ends."""

from pathlib import Path

from tests.fix_lessons import SAMPLES
from tests.fix_media import cut_speech
from tests.live_home import LiveHome

UPLOADS = 50
CREATORS = 7
LIMITS = {
    "runs": 4,
    "mentora/creator": 3,
    "mentora/video": 1,
    "pool": 2,
}
"""Of dagster.yaml."""

RUNS = """
select status, count(*) from runs where pipeline_name = 'lesson_job'
group by status order by status
"""

WITHOUT_ONE_MAIL = """
select count(*) from videos
where (select count(*) from email_outbox where subject_id = videos.id::text)
    <> (processing_status = 'failed')::integer
"""

UNHANDLED = """
select count(*) from events
where name = 'video/upload.completed' and (status <> 'done' or outcome <> 'launched')
"""


def test_fifty_uploads_in_one_second_all_end(
    live_home: LiveHome, tmp_path: Path
) -> None:
    """Else a course moved in at once loses lessons, or stops the machine."""
    speech = cut_speech(tmp_path / "speech.mp4", 8.0)
    not_media = tmp_path / "not_media.mp4"
    not_media.write_text("Dear students, the video will follow.\n")
    # A run of the quiz for each would say nothing more, and take as long again.
    live_home.start(MENTORA_AUTO_GENERATE_QUIZ="false")
    for number in range(UPLOADS):
        # Every other one is a lesson that must fail, with a mail.
        live_home.drop(
            not_media if number % 2 else speech,
            f"lesson-{number:02}.mp4",
            f"creator-{number % CREATORS}@soak.example",
        )
    live_home.wait(lambda: live_home.ended(UPLOADS), patience_s=3000)
    assert live_home.statuses() == {"completed": 25, "failed": 25}
    assert live_home.duplicates() == []
    assert live_home.admin.execute(WITHOUT_ONE_MAIL).fetchone() == (0,)
    # The tick after the one that has launched the last run knows of it.
    live_home.wait(lambda: live_home.admin.execute(UNHANDLED).fetchone() == (0,))
    live_home.wait(
        lambda: (
            live_home.dagster.execute(RUNS).fetchall()
            == [("FAILURE", 25), ("SUCCESS", 25)]
        )
    )
    most = live_home.seen.most
    assert all(most[kind] <= limit for kind, limit in LIMITS.items()), most
    assert most["runs"] > 1, "nothing worked beside anything else"


def test_an_upload_that_is_replaced_during_its_run_ends_as_the_newest(
    live_home: LiveHome,
) -> None:
    """Else readers see the lesson that its creator has replaced."""
    live_home.start()
    video_id = live_home.drop(SAMPLES / "compound-interest.mp4", "lesson.mp4")
    with live_home.stopped_at("transcripts"):
        live_home.wait_for_writer("transcripts")
        live_home.drop(SAMPLES / "photosynthesis.mp4", "lesson.mp4")
        live_home.wait(lambda: live_home.newest_upload() == 2)
    live_home.wait(
        lambda: (
            live_home.ended(1)
            and live_home.admin.execute(
                "select from videos where full_transcript like '%oxygen%'"
            ).rowcount
        )
    )
    live_home.wait(lambda: ("quiz_job", "SUCCESS", 1) in live_home.runs_of(video_id))
    assert live_home.statuses() == {"completed": 1}
    assert live_home.duplicates() == []
    # Shown once, and not before it was the newest; overtaken is no failure to tell.
    assert live_home.published() == 1
    assert live_home.count("email_outbox") == 0
