"""The consumers of events: each tick over a real outbox, on the real instance."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import dagster as dg
import pytest

from assets.jobs import lesson_job
from assets.tags import CREATOR_TAG, PARTITION_TAG, PRIORITY_TAG, UPLOAD_TAG, VIDEO_TAG
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.adapters.postgres.operations.email_outbox import EmailOutboxRows
from mentora_pipelines.adapters.postgres.operations.platform_health import (
    PlatformHealthRows,
)
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.events.outbox import MAX_ATTEMPTS, EventStatus
from mentora_pipelines.domain.operations.platform_health import HealthRule
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.upload_notices import UploadNotice
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, TransientError
from tests.due_events import Tell, Ticks, fate, published, statuses
from tests.fix_runs import Connection
from tests.stored_lessons import register

REFUSED = """
select id, name, status, dead_reason from events
where name like 'storage/%.refused' order by name
"""


def test_an_upload_starts_one_run_named_by_its_bytes(
    tick: Ticks, own_admin: Connection, own_catalogue: PostgresCatalogue
) -> None:
    """Else an upload is never processed, or counts against another creator."""
    video = register(own_catalogue, "ada@tests.example")
    (request,) = tick()
    assert request.job_name == "lesson_job"
    assert request.run_key == f"{video.id}@{video.upload_etag}#1"
    assert request.partition_key == str(video.id)
    assert request.tags[VIDEO_TAG] == str(video.id)
    assert request.tags[CREATOR_TAG] == str(video.creator_id)
    assert request.tags[UPLOAD_TAG] == "1"
    assert tick.cursor
    # The launch is recorded together with the cursor: only then the event is done.
    assert statuses(own_admin, "video/upload.completed") == ["pending"]
    assert tick() == []
    assert statuses(own_admin, "video/upload.completed") == ["done"]
    assert tick() == []


def test_a_tick_that_was_cut_off_asks_again_for_the_same_run(
    tick: Ticks, own_catalogue: PostgresCatalogue
) -> None:
    """Else an upload is lost when the daemon dies between two lines."""
    register(own_catalogue, "ada@tests.example")
    (lost,) = tick(keep_cursor=False)
    (again,) = tick()
    assert again.run_key == lost.run_key


def test_an_event_told_three_times_and_backwards_starts_the_newest_upload_once(
    tick: Ticks, tell: Tell, own_admin: Connection, own_catalogue: PostgresCatalogue
) -> None:
    """Else a replaced lesson is made after the one that replaced it, or twice."""
    first = register(own_catalogue, "ada@tests.example")
    second = register(own_catalogue, "ada@tests.example", etag="2")
    told = {"videoId": first.id, "creatorId": first.creator_id, "videoUrl": "u"}
    for number in (2, 1, 1):
        tell("video/upload.completed", first.creator_id, **told, uploadNumber=number)
    requests = tick()
    # Dagster launches a run key once.
    assert {request.run_key for request in requests} == {f"{second.id}@2#2"}
    tick()
    assert set(statuses(own_admin, "video/upload.completed")) == {"done"}


def test_a_finished_lesson_is_not_made_again_by_a_late_event(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else every repeat of an old event costs a process."""
    video = published(own_catalogue, own_lessons)
    own_admin.execute("delete from events")
    late = tell(
        "video/upload.completed",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
        videoUrl="u",
    )
    assert tick() == []
    assert fate(own_admin, late) == ("done", "nothing to do", 0)


@pytest.mark.parametrize(
    ("name", "version", "payload", "reason"),
    [
        ("video/unheard.of", 1, {}, "unknown event"),
        ("video/upload.completed", 9, {}, "schema version 9, only 1 is known"),
        ("video/upload.completed", 1, {"videoId": "x"}, "videoId: "),
        ("analytics/daily.aggregate", 1, {"date": "2999-01-01"}, "till yesterday"),
        ("quiz/generation.requested", 1, {"questionCount": 1000}, "questionCount: "),
    ],
)
def test_what_cannot_be_handled_is_parked_with_a_reason_and_blocks_nobody(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    name: str,
    version: int,
    payload: dict[str, object],
    reason: str,
) -> None:
    """Else one malformed event stops every creator, or is lost without a word."""
    bad = tell(name, version=version, **payload)
    register(own_catalogue, "ada@tests.example")
    assert len(tick()) == 1
    status, told, _ = fate(own_admin, bad)
    assert status == "dead"
    assert reason in str(told)


def test_an_event_about_somebody_elses_video_is_parked(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    instance: dg.DagsterInstance,
    own_catalogue: PostgresCatalogue,
) -> None:
    """Else a creator starts, or removes, the lesson of another."""
    video = register(own_catalogue, "ada@tests.example")
    eve = register(own_catalogue, "eve@tests.example").creator_id
    own_admin.execute("delete from events")
    told = [
        tell(name, eve, videoId=video.id, creatorId=named, videoUrl="u", quizId=uuid4())
        for name in (
            "video/upload.completed",
            "video/deleted",
            "quiz/generation.requested",
        )
        # Row-level security guards the event's own creator, not what it says.
        for named in (eve, video.creator_id)
    ]
    told.append(
        tell(
            "email/send",
            eve,
            to="eve@tests.example",
            template="video-processing-failed",
            variables={"videoId": str(video.id)},
        )
    )
    run = instance.create_run_for_job(
        defs.resolve_job_def(lesson_job.name),
        status=dg.DagsterRunStatus.STARTED,
        tags={PARTITION_TAG: str(video.id)},
    )
    assert tick() == []
    assert {fate(own_admin, event)[0] for event in told} == {"dead"}
    assert own_catalogue.video(video.id) == video
    working = instance.get_run_by_id(run.run_id)
    assert working is not None
    assert working.status is dg.DagsterRunStatus.STARTED
    instance.delete_run(run.run_id)


def test_starts_are_throttled_and_a_burst_waits(
    tick: Ticks,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else fifty uploads at once stop the machine, or the sixth one is dropped."""
    monkeypatch.setenv("MENTORA_STARTS_PER_MINUTE", "2")
    for number in range(5):
        register(own_catalogue, f"creator-{number}@tests.example")
    started = [request.partition_key for request in tick()]
    assert len(started) == 2
    assert tick() == [], "the minute is not over"
    for expected in (2, 1, 0):
        own_admin.execute(
            "update events set handled_at = handled_at - interval '1 minute'"
        )
        asked = tick()
        assert len(asked) == expected
        started += [request.partition_key for request in asked]
        tick()
    assert len(set(started)) == 5
    assert set(statuses(own_admin, "video/upload.completed")) == {"done"}


def test_creators_take_turns_and_a_plan_has_more_of_them(
    tick: Ticks,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else everybody waits behind the bulk import of one."""
    monkeypatch.setenv("MENTORA_STARTS_PER_MINUTE", "5")
    owners: dict[str, str] = {}
    for creator in ("bulk", "pro", "small"):
        for number in range(1 if creator == "small" else 4):
            video = register(
                own_catalogue, f"{creator}@tests.example", name=f"{number}.mp4"
            )
            owners[str(video.id)] = creator
    own_admin.execute(
        """update creators set settings = '{"plan": "pro"}' where email like 'pro@%'"""
    )
    requests = tick()
    taken = [owners[str(request.partition_key)] for request in requests]
    assert sorted(taken) == ["bulk", "pro", "pro", "pro", "small"]
    priorities = {
        owner: request.tags[PRIORITY_TAG]
        for owner, request in zip(taken, requests, strict=True)
    }
    assert priorities == {"bulk": "1", "pro": "3", "small": "1"}


class Away:
    """A catalogue whose database does not answer."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def video(self, video_id: UUID) -> Video:
        """Raise what it was told to."""
        assert video_id
        raise self._error

    def request_quiz(self, video: Video) -> None:
        """Never reached."""
        raise NotImplementedError(video)

    def answer_with_stored_quiz(
        self, video_id: UUID, wishes: QuizWishes, requested_as: UUID
    ) -> bool:
        """Never reached."""
        raise NotImplementedError(video_id, wishes, requested_as)

    def answer_with_known_reason(
        self, video_id: UUID, wishes: QuizWishes, requested_as: UUID, asked_at: datetime
    ) -> bool:
        """Never reached."""
        raise NotImplementedError(video_id, wishes, requested_as, asked_at)

    def is_quiz_being_written(
        self, video_id: UUID, wishes: QuizWishes, within: timedelta
    ) -> bool:
        """Never reached."""
        raise NotImplementedError(video_id, wishes, within)

    def delete_video(self, video: Video, asked_at: datetime) -> None:
        """Never reached."""
        raise NotImplementedError(video, asked_at)


@pytest.mark.parametrize("error", [TransientError("away"), ValueError("a secret")])
def test_what_fails_is_tried_again_later_and_parked_at_last(
    instance: dg.DagsterInstance,
    own_outbox: PostgresEventOutbox,
    own_email_outbox: EmailOutboxRows,
    own_lessons: PostgresLessons,
    own_memberships: PostgresMemberships,
    tell: Tell,
    own_admin: Connection,
    error: Exception,
) -> None:
    """Else one fault of a service loses an event, or keeps it busy for ever."""
    tick = Ticks(
        instance,
        own_outbox,
        Away(error),
        own_email_outbox,
        own_lessons,
        own_memberships,
    )
    event = tell(
        "video/upload.completed", videoId=uuid4(), creatorId=uuid4(), videoUrl="u"
    )
    assert tick() == []
    assert fate(own_admin, event) == ("pending", None, 1)
    due = own_admin.execute(
        "select next_attempt_at > now() from events where status = 'pending'"
    )
    assert due.fetchone() == (True,)
    assert tick() == [], "its time has not come"
    for _ in range(MAX_ATTEMPTS - 1):
        own_admin.execute("update events set next_attempt_at = now()")
        assert tick() == []
    status, reason, attempts = fate(own_admin, event)
    assert (status, attempts) == ("dead", MAX_ATTEMPTS)
    assert reason == f"failed {MAX_ATTEMPTS} times: {type(error).__name__}"


def test_a_failed_lesson_is_made_again_by_a_new_event(
    tick: Ticks,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    tell: Tell,
) -> None:
    """Else only another upload helps a creator whose lesson failed by our fault."""
    video = register(own_catalogue, "ada@tests.example")
    tick()
    own_lessons.mark_failed(video, ErrorCode.INTERNAL)
    tell(
        "video/upload.completed",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
        videoUrl="u",
        requeue=1,
    )
    (again,) = tick()
    assert again.run_key == f"{video.id}@{video.upload_etag}#1~1"


def test_a_failed_lesson_is_tried_again_when_somebody_asks(
    tick: Ticks,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    tell: Tell,
) -> None:
    """Else asking again does nothing, and says that it did: run keys last for ever."""
    video = register(own_catalogue, "ada@tests.example")
    (first,) = tick()
    own_lessons.mark_failed(video, ErrorCode.INTERNAL)
    event = tell(
        "video/upload.completed",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
        videoUrl="u",
    )
    (again,) = tick()
    assert again.run_key == f"{first.run_key}!{event}"


def test_an_event_that_is_replayed_after_its_launch_is_launched_again(
    tick: Ticks,
    own_outbox: PostgresEventOutbox,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
) -> None:
    """Else the first replay after a launch is taken for the launch, and lost."""
    register(own_catalogue, "ada@tests.example")
    (first,) = tick()
    tick()
    assert own_outbox.replay(name="video/upload.completed") == 1
    (again,) = tick()
    assert again.run_key == f"{first.run_key}^1"
    tick()
    assert statuses(own_admin, "video/upload.completed") == ["done"]


def test_a_replay_of_everything_deletes_nothing(
    own_outbox: PostgresEventOutbox, tell: Tell, own_admin: Connection
) -> None:
    """Else an operator who mends an outage removes lessons."""
    deleted = tell("video/deleted", videoId=uuid4(), creatorId=uuid4())
    own_outbox.bury(deleted, "for a test")
    assert own_outbox.replay(since=datetime(2026, 1, 1, tzinfo=UTC)) == 0
    assert fate(own_admin, deleted)[0] == "dead"
    assert own_outbox.replay(event_ids=[deleted]) == 1


def test_a_refused_upload_is_no_dead_letter_and_is_not_replayed(
    own_outbox: PostgresEventOutbox,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_database: Database,
    tell: Tell,
) -> None:
    """Else one file of a wrong name is a month of alarm, or its reason is lost."""
    own_outbox.bury(tell("video/deleted"), "for a test")
    stray = StoredObject("uploads/notes.txt", "1", 1, datetime.now(UTC))
    notice = UploadNotice("m-1", "receipt", fault="no JSON", text="no json")
    own_catalogue.refuse_uploads([(stray, "no upload's key")], 1)
    own_catalogue.refuse_notice(notice, "no JSON")
    before = own_admin.execute(REFUSED).fetchall()
    assert len(before) == 2
    rule = HealthRule(1, 1.0, 0, 1.0, 1, None)
    counted = PlatformHealthRows(own_database).counted(rule)
    letters = {reading.part: reading.value for reading in counted}
    assert letters["dead letters"] == 1
    ids = [UUID(str(event_id)) for event_id, *_ in before]
    assert own_outbox.replay(event_ids=ids) == 0
    assert (
        own_outbox.replay(status=EventStatus.DEAD, name="storage/upload.refused") == 0
    )
    assert own_admin.execute(REFUSED).fetchall() == before
