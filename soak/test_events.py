"""Events that come again, late and in the wrong order: the newest upload, once."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from psycopg.types.json import Jsonb

from tests.fix_media import cut_speech
from tests.live_home import LiveHome

TELL = """
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
select gen_random_uuid(), %(name)s, 1, gen_random_uuid()::text, id, %(payload)s
from creators
"""

REQUESTS = "select count(*), count(distinct quiz_id) from quiz_requests"


def test_events_that_come_three_times_and_in_reverse_order_change_nothing(
    live_home: LiveHome, tmp_path: Path
) -> None:
    """Else a queue that delivers twice is paid for twice, or brings old bytes back."""
    first = cut_speech(tmp_path / "first.mp4", 15.0)
    second = cut_speech(tmp_path / "second.mp4", 25.0)
    live_home.start()
    video_id = live_home.drop(first, "lesson.mp4")
    with live_home.stopped_at("transcripts"):
        live_home.wait_for_writer("transcripts")
        live_home.drop(second, "lesson.mp4")
        live_home.wait(lambda: live_home.newest_upload() == 2)
        # While the first run works, and again when all is done.
        tell_all(live_home, video_id)
    live_home.wait(lambda: live_home.published() == 1 and live_home.ended(1))
    live_home.wait(lambda: handled(live_home))
    tell_all(live_home, video_id)
    live_home.wait(lambda: handled(live_home))
    assert live_home.statuses() == {"completed": 1}
    assert live_home.published() == 1
    assert live_home.duplicates() == []
    assert live_home.admin.execute(REQUESTS).fetchone() == (2, 1)
    # One run of each upload, and one that has written the quiz.
    runs = [run[:1] + run[2:] for run in live_home.runs_of(video_id)]
    assert sum(int(str(n)) for job, n in runs if job == "lesson_job") == 2, runs
    assert ("quiz_job", 1) in runs
    assert live_home.count("email_outbox") == 0


def tell_all(home: LiveHome, video_id: UUID) -> None:
    """Everything about the lesson three times, the newest first."""
    (creator_id,) = home.admin.execute("select id from creators").fetchone() or ("",)
    named = {"videoId": str(video_id), "creatorId": str(creator_id)}
    upload = {**named, "videoUrl": "uploads/lesson.mp4", "autoGenerateQuiz": True}
    for _ in range(3):
        for number in (2, 1):
            tell(home, "video/upload.completed", {**upload, "uploadNumber": number})
        quiz = {**named, "quizId": "00000000-0000-0000-0000-000000000001"}
        tell(home, "quiz/generation.requested", quiz)


def tell(home: LiveHome, name: str, payload: Mapping[str, object]) -> None:
    """Write an event as the web application would."""
    home.admin.execute(TELL, {"name": name, "payload": Jsonb(dict(payload))})


def handled(home: LiveHome) -> bool:
    """Whether no event waits for a run, and no run works."""
    waits = (
        "select from events where status = 'pending'"
        " and name in ('video/upload.completed', 'quiz/generation.requested')"
    )
    works = "select from runs where status in ('QUEUED', 'STARTING', 'STARTED')"
    return (
        home.admin.execute(waits).rowcount == 0
        and home.dagster.execute(works).rowcount == 0
    )
