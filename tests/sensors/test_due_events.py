"""The consumers of events: each tick over a real outbox, on the real instance."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import dagster as dg
import psycopg
import pytest
from psycopg.types.json import Jsonb

from assets.failures import UPLOAD_TAG
from assets.jobs import PRIORITY_TAG, VIDEO_TAG, lesson_job
from assets.observation import CREATOR_TAG
from assets.runs import PARTITION_TAG
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.email_outbox import EmailOutboxRows
from mentora_pipelines.adapters.postgres.event_outbox import PostgresEventOutbox
from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.events.outbox import MAX_ATTEMPTS
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.turns import QUIZZES_AN_HOUR
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, TransientError
from mentora_pipelines.services import DatabaseUrls
from sensors.due_events import due_events
from tests.fix_runs import Connection
from tests.stored_lessons import register, stored_lesson

INSERT = """
insert into events (
    id, name, schema_version, deduplication_key, creator_id, payload, created_at)
values (
    gen_random_uuid(), %(name)s, %(version)s, gen_random_uuid()::text, %(creator_id)s,
    %(payload)s, %(created_at)s)
returning id
"""

WEIGHTS = {"pro": 3}


@pytest.fixture
def admin(own_urls: DatabaseUrls) -> Iterator[Connection]:
    """The database of these tests, without a row at the start of each."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute(
            "truncate creators, events, orphaned_blobs, email_outbox cascade"
        )
        yield connection


@pytest.fixture
def outbox(own_urls: DatabaseUrls, admin: Connection) -> Iterator[PostgresEventOutbox]:
    """The outbox of that database."""
    assert admin
    database = Database(own_urls.admin, "tests-outbox")
    yield PostgresEventOutbox(database, WEIGHTS, own_urls.admin)
    database.close()


@pytest.fixture
def email_outbox(own_urls: DatabaseUrls) -> Iterator[EmailOutboxRows]:
    """The mail of that database."""
    database = Database(own_urls.admin, "tests-mail")
    yield EmailOutboxRows(database)
    database.close()


@pytest.fixture
def own_memberships(own_urls: DatabaseUrls) -> Iterator[PostgresMemberships]:
    """The memberships of that database."""
    with (
        closing(Database(own_urls.app, "tests-memberships")) as app,
        closing(Database(own_urls.admin, "tests-memberships")) as admin_role,
    ):
        yield PostgresMemberships(app, admin_role)


class Ticks:
    """The sensor, one tick after another with its cursor."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        outbox: PostgresEventOutbox,
        catalogue: object,
        email_outbox: EmailOutboxRows,
        lessons: PostgresLessons,
        membership_rows: PostgresMemberships,
    ) -> None:
        self._instance = instance
        self._resources = {
            "outbox": outbox,
            "catalogue": catalogue,
            "email_outbox": email_outbox,
            "lessons": lessons,
            "membership_rows": membership_rows,
        }
        self.cursor: str | None = None

    def __call__(self, *, keep_cursor: bool = True) -> list[dg.RunRequest]:
        """The runs that one tick asks for."""
        context = dg.build_sensor_context(
            instance=self._instance, cursor=self.cursor, resources=self._resources
        )
        found = due_events(context)
        if isinstance(found, dg.SkipReason):
            return []
        assert isinstance(found, dg.SensorResult)
        # As Dagster does: an empty cursor leaves the old one.
        if keep_cursor and found.cursor:
            self.cursor = found.cursor
        return list(found.run_requests or [])


@pytest.fixture
def tick(
    instance: dg.DagsterInstance,
    outbox: PostgresEventOutbox,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    email_outbox: EmailOutboxRows,
    own_memberships: PostgresMemberships,
) -> Ticks:
    """The sensor over the outbox of these tests."""
    return Ticks(
        instance, outbox, own_catalogue, email_outbox, own_lessons, own_memberships
    )


Tell = Callable[..., UUID]


@pytest.fixture
def tell(admin: Connection) -> Tell:
    """Write an event, as the web application would; its id."""

    def write(
        name: str,
        creator_id: UUID | None = None,
        *,
        version: int = 1,
        created_at: datetime | None = None,
        **payload: object,
    ) -> UUID:
        row = admin.execute(
            INSERT,
            {
                "name": name,
                "version": version,
                "creator_id": creator_id,
                "payload": Jsonb(
                    {
                        k: str(v) if isinstance(v, UUID) else v
                        for k, v in payload.items()
                    }
                ),
                "created_at": created_at or datetime.now(UTC),
            },
        ).fetchone()
        assert row is not None
        assert isinstance(row[0], UUID)
        return row[0]

    return write


def fate(admin: Connection, event_id: UUID) -> tuple[Any, ...]:
    """What became of an event: status, outcome or reason, attempts."""
    row = admin.execute(
        "select status, coalesce(outcome, dead_reason), attempts from events"
        " where id = %s",
        [event_id],
    ).fetchone()
    assert row is not None
    return row


def statuses(admin: Connection, name: str) -> list[object]:
    """The status of each event of a name."""
    return [
        status
        for (status,) in admin.execute(
            "select status from events where name = %s order by created_at, id", [name]
        )
    ]


def published(catalogue: PostgresCatalogue, lessons: PostgresLessons) -> Video:
    """A lesson that readers see, without a quiz."""
    video = stored_lesson(catalogue, lessons)[0]
    assert lessons.publish(video)
    return catalogue.video(video.id)


def test_an_upload_starts_one_run_named_by_its_bytes(
    tick: Ticks, admin: Connection, own_catalogue: PostgresCatalogue
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
    assert statuses(admin, "video/upload.completed") == ["pending"]
    assert tick() == []
    assert statuses(admin, "video/upload.completed") == ["done"]
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
    tick: Ticks, tell: Tell, admin: Connection, own_catalogue: PostgresCatalogue
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
    assert set(statuses(admin, "video/upload.completed")) == {"done"}


def test_a_finished_lesson_is_not_made_again_by_a_late_event(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else every repeat of an old event costs a process."""
    video = published(own_catalogue, own_lessons)
    admin.execute("delete from events")
    late = tell(
        "video/upload.completed",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
        videoUrl="u",
    )
    assert tick() == []
    assert fate(admin, late) == ("done", "nothing to do", 0)


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
    admin: Connection,
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
    status, told, _ = fate(admin, bad)
    assert status == "dead"
    assert reason in str(told)


def test_an_event_about_somebody_elses_video_is_parked(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    instance: dg.DagsterInstance,
    own_catalogue: PostgresCatalogue,
) -> None:
    """Else a creator starts, or removes, the lesson of another."""
    video = register(own_catalogue, "ada@tests.example")
    eve = register(own_catalogue, "eve@tests.example").creator_id
    admin.execute("delete from events")
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
    assert {fate(admin, event)[0] for event in told} == {"dead"}
    assert own_catalogue.video(video.id) == video
    working = instance.get_run_by_id(run.run_id)
    assert working is not None
    assert working.status is dg.DagsterRunStatus.STARTED
    instance.delete_run(run.run_id)


def test_starts_are_throttled_and_a_burst_waits(
    tick: Ticks,
    admin: Connection,
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
        admin.execute("update events set handled_at = handled_at - interval '1 minute'")
        asked = tick()
        assert len(asked) == expected
        started += [request.partition_key for request in asked]
        tick()
    assert len(set(started)) == 5
    assert set(statuses(admin, "video/upload.completed")) == {"done"}


def test_creators_take_turns_and_a_plan_has_more_of_them(
    tick: Ticks,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else everybody waits behind the bulk import of one."""
    monkeypatch.setenv("MENTORA_STARTS_PER_MINUTE", "5")
    owners: dict[str, str] = {}
    for creator in ("bulk", "pro", "small"):
        for number in range(1 if creator == "small" else 4):
            video = register_named(own_catalogue, creator, number)
            owners[str(video.id)] = creator
    admin.execute(
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


def register_named(catalogue: PostgresCatalogue, creator: str, number: int) -> Video:
    """One of many uploads of a creator."""
    key = f"uploads/2026-11-01/{creator}@tests.example/{number}.mp4"
    upload = StoredObject(key, "1", 1, datetime(2026, 11, 1, tzinfo=UTC))
    return catalogue.register_upload(upload, parse_upload_key(key))


def test_a_published_lesson_asks_for_its_quiz_and_gets_one_run(
    tick: Ticks,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else `autoGenerateQuiz` does nothing."""
    video = stored_lesson(own_catalogue, own_lessons)[0]
    admin.execute("delete from quizzes")
    assert own_lessons.publish(video)
    requests = [request for request in tick() if request.job_name == "quiz_job"]
    (request,) = requests
    assert request.partition_key == str(video.id)
    config = request.run_config["ops"]["quizzes"]["config"]
    assert config["question_count"] == 10
    assert UUID(config["requested_as"])


def test_a_quiz_that_exists_answers_at_once_under_the_name_it_was_asked_for(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else whoever asked looks for a quiz that has another id, for ever."""
    video = published(own_catalogue, own_lessons)
    admin.execute("delete from events")
    requested = uuid4()
    event = tell(
        "quiz/generation.requested",
        video.creator_id,
        quizId=requested,
        videoId=video.id,
        creatorId=video.creator_id,
        questionCount=1,
    )
    assert tick() == []
    assert fate(admin, event) == ("done", "nothing to do", 0)
    answer = admin.execute(
        "select quiz_id from quiz_requests where id = %s", [requested]
    ).fetchone()
    (quiz,) = own_lessons.quizzes(video)
    assert answer == (quiz.id,)


def test_many_requests_for_one_quiz_start_one_run_and_count_once(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else twenty clicks write, and pay for, one quiz five times in an hour."""
    video = published(own_catalogue, own_lessons)
    admin.execute("delete from events")
    requests = [
        tell(
            "quiz/generation.requested",
            video.creator_id,
            quizId=uuid4(),
            videoId=video.id,
            creatorId=video.creator_id,
            questionCount=7,
        )
        for _ in range(20)
    ]
    assert len(tick()) == 1
    admin.execute("update events set next_attempt_at = now() where status = 'pending'")
    assert tick() == []
    fates = [fate(admin, event)[0] for event in requests]
    assert (fates.count("done"), fates.count("pending")) == (1, 19)
    # Its run gives no quiz: after a while somebody else's request starts another.
    admin.execute("update videos set processed_at = processed_at - interval '1 day'")
    for minutes, runs in ((50, 0), (11, 1)):
        admin.execute(
            "update events set handled_at = handled_at - %s * interval '1 minute',"
            " next_attempt_at = now() - interval '1 minute'",
            [minutes],
        )
        assert len(tick()) == runs
    assert tick() == []
    # And at once when it is known that this one gives none, too.
    admin.execute(
        "insert into quiz_requests (id, creator_id, reason)"
        " select (payload ->> 'quizId')::uuid, creator_id, 'over budget'"
        " from events where outcome = 'launched'"
    )
    admin.execute("update events set next_attempt_at = now() where status = 'pending'")
    assert len(tick()) == 1


def test_the_sixth_quiz_of_an_hour_waits_and_is_written_later(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else one creator spends the budget of all, or the sixth quiz is dropped."""
    video = published(own_catalogue, own_lessons)
    admin.execute("delete from events")
    for count in range(2, QUIZZES_AN_HOUR + 4):
        tell(
            "quiz/generation.requested",
            video.creator_id,
            quizId=uuid4(),
            videoId=video.id,
            creatorId=video.creator_id,
            questionCount=count,
        )
    assert len(tick()) == QUIZZES_AN_HOUR
    assert tick() == []
    waiting = "select count(*) from events where status = 'pending' and attempts = 0"
    assert admin.execute(waiting).fetchone() == (2,)
    admin.execute(
        "update events set handled_at = handled_at - interval '1 hour',"
        " next_attempt_at = now()"
    )
    assert len(tick()) == 2


def test_a_quiz_about_a_lesson_that_is_not_there_yet_waits(
    tick: Ticks, tell: Tell, admin: Connection, own_catalogue: PostgresCatalogue
) -> None:
    """Else a quiz that is asked for with the upload is refused."""
    video = register(own_catalogue, "ada@tests.example")
    admin.execute("delete from events")
    asked = {
        "quizId": uuid4(), "videoId": video.id, "creatorId": video.creator_id
    }  # fmt: skip
    early = tell("quiz/generation.requested", video.creator_id, **asked)
    never = tell(
        "quiz/generation.requested",
        video.creator_id,
        created_at=datetime.now(UTC) - timedelta(days=3),
        **asked,
    )
    assert tick() == []
    assert fate(admin, early) == ("pending", None, 0)
    assert fate(admin, never) == ("dead", "the lesson was never published", 1)


def test_a_deleted_video_takes_its_rows_along_and_marks_its_blobs(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    instance: dg.DagsterInstance,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else a removed lesson is still found, paid for, and stored for ever."""
    video = published(own_catalogue, own_lessons)
    same_sound = register(own_catalogue, "bob@tests.example")
    own_lessons.record_source(
        same_sound, etag="1", source_hash="b" * 64, audio_key="audio/a", duration_s=9
    )
    admin.execute("delete from events")
    run = instance.create_run_for_job(
        defs.resolve_job_def(lesson_job.name),
        status=dg.DagsterRunStatus.STARTED,
        tags={PARTITION_TAG: str(video.id)},
    )
    event = tell(
        "video/deleted",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
    )
    assert tick() == []
    assert fate(admin, event) == ("done", "handled", 0)
    for table in ("transcripts", "transcript_chunks", "chunk_embeddings", "quizzes"):
        found = admin.execute(
            f"select from {table} where creator_id = %s",
            [video.creator_id],
        )
        assert found.rowcount == 0, table
    orphans = admin.execute("select storage_key from orphaned_blobs").fetchall()
    # Bob's lesson has the same sound.
    assert sorted(orphans) == [("captions/a",), (video.storage_key,)]
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.CANCELING


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
    outbox: PostgresEventOutbox,
    email_outbox: EmailOutboxRows,
    own_lessons: PostgresLessons,
    own_memberships: PostgresMemberships,
    tell: Tell,
    admin: Connection,
    error: Exception,
) -> None:
    """Else one fault of a service loses an event, or keeps it busy for ever."""
    tick = Ticks(
        instance, outbox, Away(error), email_outbox, own_lessons, own_memberships
    )
    event = tell(
        "video/upload.completed", videoId=uuid4(), creatorId=uuid4(), videoUrl="u"
    )
    assert tick() == []
    assert fate(admin, event) == ("pending", None, 1)
    due = admin.execute(
        "select next_attempt_at > now() from events where status = 'pending'"
    )
    assert due.fetchone() == (True,)
    assert tick() == [], "its time has not come"
    for _ in range(MAX_ATTEMPTS - 1):
        admin.execute("update events set next_attempt_at = now()")
        assert tick() == []
    status, reason, attempts = fate(admin, event)
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


MAIL = "select template, subject_id, recipient, variables from email_outbox"


def test_a_mail_that_is_asked_for_is_written_once(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else the web application's mails are lost, or the creator gets each twice."""
    video = register(own_catalogue, "ada@tests.example")
    own_lessons.mark_failed(video, ErrorCode.NO_SPEECH)
    asked = {
        "to": "ada@tests.example",
        "template": "video-processing-failed",
        # As the web application fills it; no foreign text may come into a mail.
        "variables": {"videoId": str(video.id), "error": "Traceback: password=1"},
    }
    mails = [tell("email/send", video.creator_id, **asked) for _ in range(2)]
    tick()
    # The failure itself has written the same mail.
    assert [fate(admin, mail) for mail in mails] == [("done", "nothing to do", 0)] * 2
    ((template, subject, recipient, variables),) = admin.execute(MAIL).fetchall()
    assert (template, subject) == ("video-processing-failed", str(video.id))
    assert recipient == "ada@tests.example"
    assert variables == {
        "videoId": str(video.id),
        "title": "lesson",
        "code": "no_speech",
        "uploadNumber": 1,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"to": "nobody"}, "the recipient is not a mail address"),
        ({"template": "welcome"}, "there is no such mail template"),
        ({"variables": {"videoId": "x"}}, "variables.videoId is not an id"),
        ({"variables": {}}, "wrong or missing"),
    ],
)
def test_a_mail_that_cannot_be_made_is_parked(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    change: dict[str, object],
    reason: str,
) -> None:
    """Else a mail goes to nobody, and nobody knows."""
    whole: dict[str, object] = {
        "to": "ada@tests.example",
        "template": "video-processing-failed",
        "variables": {},
    }
    mail = tell("email/send", **(whole | change))
    tick()
    status, told, _ = fate(admin, mail)
    assert status == "dead"
    assert reason in told
    assert admin.execute(MAIL).fetchall() == []


def test_an_event_that_is_replayed_after_its_launch_is_launched_again(
    tick: Ticks,
    outbox: PostgresEventOutbox,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
) -> None:
    """Else the first replay after a launch is taken for the launch, and lost."""
    register(own_catalogue, "ada@tests.example")
    (first,) = tick()
    tick()
    assert outbox.replay(name="video/upload.completed") == 1
    (again,) = tick()
    assert again.run_key == f"{first.run_key}^1"
    tick()
    assert statuses(admin, "video/upload.completed") == ["done"]


def test_a_deleted_video_stays_away_until_other_bytes_come(
    tick: Ticks,
    tell: Tell,
    outbox: PostgresEventOutbox,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else the next look at storage brings a removed lesson back to students."""
    video = published(own_catalogue, own_lessons)
    event = tell(
        "video/deleted",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
    )
    tick()
    known = own_catalogue.known_uploads([video.storage_key])[video.storage_key]
    assert (known.etag, known.lost_event) == (video.upload_etag, False)
    # What is stored after the wish is another upload, however late it was granted.
    asked = admin.execute("select created_at from events where id = %s", [event])
    assert asked.fetchone() == (known.deleted_at,)

    again = register(own_catalogue, video.creator_email, etag="2")
    # What deleted the first one says nothing about the second, however often.
    outbox.replay(name="video/deleted")
    tick()
    assert own_catalogue.video(again.id) == again


def test_a_replay_of_everything_deletes_nothing(
    outbox: PostgresEventOutbox, tell: Tell, admin: Connection
) -> None:
    """Else an operator who mends an outage removes lessons."""
    deleted = tell("video/deleted", videoId=uuid4(), creatorId=uuid4())
    outbox.bury(deleted, "for a test")
    assert outbox.replay(since=datetime(2026, 1, 1, tzinfo=UTC)) == 0
    assert fate(admin, deleted)[0] == "dead"
    assert outbox.replay(event_ids=[deleted]) == 1


def test_a_quiz_that_is_wished_for_late_is_asked_for(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else `autoGenerateQuiz` depends on who was faster."""
    video = published(own_catalogue, own_lessons)
    admin.execute("delete from events")
    admin.execute("update videos set auto_generate_quiz = false")
    tell(
        "video/upload.completed",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
        videoUrl="u",
        autoGenerateQuiz=True,
    )
    tick()
    assert statuses(admin, "quiz/generation.requested") in (["pending"], ["done"])


def test_a_transcript_that_is_edited_becomes_a_staged_version_and_one_run(
    tick: Ticks,
    tell: Tell,
    admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else a correction in the web application never reaches students."""
    video = published(own_catalogue, own_lessons)
    admin.execute("delete from events")
    base = video.published_transcript_id
    edit = {"replace": "simple", "with": "plain", "baseVersion": str(base)}
    about = {"videoId": video.id, "creatorId": video.creator_id}
    event = tell("video/transcript.edited", video.creator_id, **about, edit=edit)
    for _ in range(2):
        # A tick that is cut off tells it again: the version is made once.
        (request,) = tick(keep_cursor=False)
        assert request.run_key == f"edit {event}"
        assert [key.to_user_string() for key in request.asset_selection or []] == [
            "captions",
            "chunks",
            "embeddings",
            "published_lessons",
        ]
    after = own_catalogue.video(video.id)
    assert after.published_transcript_id == base, "readers keep what they have"
    assert after.staged_transcript_id != base
    assert after.staged_transcript_id is not None
    edited = own_lessons.transcript(after, after.staged_transcript_id)
    assert edited.text.startswith("Glucose is a plain sugar.")

    unnamed = tell(
        "video/transcript.edited",
        video.creator_id,
        **about,
        edit={"replace": "Starch", "with": "It"},
    )
    tick()
    assert fate(admin, unnamed)[:2] == ("dead", "edit.baseVersion is missing")


def test_a_day_whose_metrics_are_wanted_gets_a_run(tick: Ticks, tell: Tell) -> None:
    """Else an analyst waits for tonight."""
    event = tell("analytics/daily.aggregate", date="2026-03-01")
    (request,) = tick()
    assert request.job_name == "daily_metrics_job"
    assert request.partition_key == "2026-03-01"
    assert request.run_key == f"metrics {event}"


def test_a_membership_is_what_whop_told_last_in_whatever_order_it_comes(
    tick: Ticks, tell: Tell, admin: Connection, own_catalogue: PostgresCatalogue
) -> None:
    """Else a late delivery reopens a course, or one told twice counts twice."""
    creator = register(own_catalogue, "ada@tests.example").creator_id
    bob = register(own_catalogue, "bob@tests.example").creator_id
    told = {
        "creatorId": creator,
        "membershipId": "mem_1",
        "userId": "user_1",
        "companyId": "biz_1",
        "productId": "prod_1",
    }

    def at(hour: int, status: str, **more: object) -> UUID:
        time = f"2026-11-01T{hour:02}:00:00Z"
        fields = told | {"status": status, "changedAt": time, "toldAt": time} | more
        return tell("membership/changed", creator, **fields)

    newest, middle = at(3, "canceled"), at(2, "past_due")
    oldest, again = at(1, "active"), at(3, "canceled")
    malformed = at(4, "active", changedAt="yesterday")
    foreign = at(5, "active", creatorId=bob)
    tick()
    assert fate(admin, newest)[:2] == ("done", "handled")
    for late in (middle, oldest, again):
        assert fate(admin, late)[:2] == ("done", "nothing to do")
    assert fate(admin, malformed)[0] == "dead"
    assert "somebody else's" in fate(admin, foreign)[1]
    rows = admin.execute(
        "select creator_id, external_id, user_id, status, granted_at from memberships"
    )
    assert rows.fetchall() == [(creator, "mem_1", "user_1", "canceled", None)]
