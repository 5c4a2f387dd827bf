"""The reaper: on the real instance, over real leases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest

from assets.jobs import lesson_job, quiz_job
from assets.runs import VideoRuns
from assets.tags import PARTITION_TAG
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.operations.stranded_videos import (
    FIRST,
    LOOK,
    PostgresStrandedVideos,
)
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.stranded_videos import (
    FORGOTTEN_AFTER,
    MAX_REQUEUES,
    RunState,
    Stranded,
)
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import CREATOR_SENTENCES, ErrorCode, Overtaken
from sensors.stranded_videos import stranded_videos
from tests.fix_runs import Connection
from tests.stored_lessons import register

STARTED = dg.DagsterRunStatus.STARTED
# Dagster wants to know where a QUEUED run came from; to the reaper it is the same.
QUEUED = dg.DagsterRunStatus.NOT_STARTED
FAILURE = dg.DagsterRunStatus.FAILURE

EPOCH = datetime.fromtimestamp(0, UTC)

OURS = "tests/reaper"
"""Tag of the runs that are made here."""

TIME_PASSES = """
alter table videos disable trigger user;
update videos set updated_at = updated_at - interval '10 minutes';
alter table videos enable trigger user;
update leases set until = until - interval '10 minutes';
update events set status = 'done', outcome = 'launched', handled_at = now()
where status = 'pending';
"""


@pytest.fixture(autouse=True)
def no_runs(instance: dg.DagsterInstance) -> Iterator[None]:
    """Leave no run behind: videos of one name have one id, and places are few."""
    yield
    for run in instance.get_runs(dg.RunsFilter(tags={OURS: "yes"})):
        instance.delete_run(run.run_id)


@pytest.fixture
def stranded(own_database: Database) -> PostgresStrandedVideos:
    """What the reaper looks after."""
    return PostgresStrandedVideos(own_database)


@pytest.fixture
def video(own_catalogue: PostgresCatalogue, own_admin: Connection) -> Video:
    """An upload that waits."""
    assert own_admin
    return register(own_catalogue, "ada@tests.example")


def look(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    cursor: str | None = None,
) -> str | None:
    """One tick of the reaper; its cursor."""
    context = dg.build_sensor_context(
        instance=instance, resources={"stranded": stranded}, cursor=cursor
    )
    result = stranded_videos(context)
    assert isinstance(result, dg.SensorResult)
    return result.cursor


def start(lessons: PostgresLessons, video: Video, owner: str = "r1:r1") -> Video:
    """A run takes the video up; what it holds."""
    held = replace(video, fencing_token=lessons.hold(video, owner))
    assert held.fencing_token is not None
    lessons.mark_processing(held)
    lessons.rest(held)
    return held


def run_of(
    instance: dg.DagsterInstance,
    video: Video,
    status: dg.DagsterRunStatus,
    job: str = lesson_job.name,
) -> str:
    """A run of the video, as the UI starts it, that Dagster believes in `status`."""
    run = instance.create_run_for_job(
        defs.resolve_job_def(job),
        status=status,
        tags={PARTITION_TAG: str(video.id), OURS: "yes"},
    )
    return run.run_id


def report_cancelled(instance: dg.DagsterInstance, run_id: str) -> None:
    """What a worker says at last that was told to end."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.report_run_canceled(run)


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    """What Dagster believes of a run."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_video_that_is_held_or_waits_for_its_turn_is_left_alone(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
) -> None:
    """Else a long recognition is started again while it works."""
    look(instance, stranded)
    assert own_catalogue.video(video.id) == video
    start(own_lessons, video)
    look(instance, stranded)
    working = own_catalogue.video(video.id)
    assert (working.processing_status, working.requeues) == ("processing", 0)


def test_what_outlived_its_lease_is_queued_again_and_fenced_off(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else a video is `processing` for ever, or a dead run comes back and writes."""
    held = start(own_lessons, video)
    own_admin.execute(TIME_PASSES)
    look(instance, stranded)
    again = own_catalogue.video(video.id)
    assert (again.processing_status, again.requeues) == ("pending", 1)
    (key,) = own_admin.execute(
        "select deduplication_key from events where status = 'pending'"
        " and name = 'video/upload.completed'"
    ).fetchone() or ("",)
    # The token of the lease, which is the second to be taken.
    assert key == f"{video.id}@1#1~2"
    for late in (
        own_lessons.mark_processing,
        lambda v: own_lessons.mark_failed(v, ErrorCode.INTERNAL),
    ):
        with pytest.raises(Overtaken):
            late(held)
    assert own_catalogue.video(video.id) == again


def test_a_video_that_is_lost_again_and_again_fails_with_a_sentence(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else a file that kills its worker is tried for ever, or ends without a word."""
    for attempt in range(MAX_REQUEUES + 1):
        start(own_lessons, own_catalogue.video(video.id), f"r{attempt}:r{attempt}")
        own_admin.execute(TIME_PASSES)
        look(instance, stranded)
    given_up = own_catalogue.video(video.id)
    assert given_up.processing_status is ProcessingStatus.FAILED
    assert given_up.error_message == CREATOR_SENTENCES[ErrorCode.INTERNAL]
    look(instance, stranded)
    assert own_catalogue.video(video.id) == given_up


def test_an_upload_whose_run_never_came_is_queued_again(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else a wrong setting at the wrong moment loses an upload for ever."""
    own_admin.execute(TIME_PASSES)
    run_id = run_of(instance, video, dg.DagsterRunStatus.NOT_STARTED)
    look(instance, stranded)
    assert own_catalogue.video(video.id).requeues == 0, "its run is in the queue"
    instance.delete_run(run_id)
    look(instance, stranded)
    assert own_catalogue.video(video.id).requeues == 1


def test_a_run_whose_worker_is_gone_is_reported_so_that_the_daemon_resumes_it(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else it is STARTED for ever, and keeps its places in the queue and the pools."""
    run_id = run_of(instance, video, STARTED)
    start(own_lessons, video, f"{run_id}:{run_id}")
    own_admin.execute(TIME_PASSES)
    look(instance, stranded)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is FAILURE
    assert run.tags["dagster/failure_reason"] == "UNEXPECTED_TERMINATION"
    assert own_catalogue.video(video.id).requeues == 0, "its resumption comes first"
    # The resumed run is of the same chain: it need not wait for anything.
    resumed = own_lessons.hold(video, f"{run_id}:another")
    assert resumed is not None


def test_a_resumption_that_has_just_started_is_left_to_work(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else it is killed before its first step, since the dead run's lease is over."""
    start(own_lessons, video, "crashed:crashed")
    own_admin.execute(TIME_PASSES)
    resumption = run_of(instance, video, STARTED)
    look(instance, stranded)
    assert status_of(instance, resumption) is STARTED
    assert own_catalogue.video(video.id).requeues == 0


def test_a_dead_run_is_ended_although_another_one_is_queued_behind_it(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else the queued one waits for hours: one run of a video has a place at a time."""
    dead = run_of(instance, video, STARTED)
    behind = run_of(instance, video, QUEUED)
    start(own_lessons, video, f"{dead}:{dead}")
    own_admin.execute(TIME_PASSES)
    look(instance, stranded)
    assert status_of(instance, dead) is FAILURE
    assert status_of(instance, behind) is QUEUED


def test_a_quiz_that_is_written_is_no_run_of_the_lesson_and_ends_with_its_video(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else a lesson waits for a quiz, or the quiz of a deleted lesson is paid for."""
    quiz = run_of(instance, video, STARTED, quiz_job.name)
    start(own_lessons, video)
    own_admin.execute(TIME_PASSES)
    look(instance, stranded)
    assert own_catalogue.video(video.id).requeues == 1
    assert VideoRuns(instance).cancel_runs(video.id) == 1
    assert status_of(instance, quiz) is dg.DagsterRunStatus.CANCELING


def test_videos_that_only_wait_hide_no_stranded_one(
    instance: dg.DagsterInstance,
    own_database: Database,
    own_catalogue: PostgresCatalogue,
    own_admin: Connection,
) -> None:
    """Else a long queue keeps the reaper from those that nobody moves."""
    assert own_admin
    waiting = [register(own_catalogue, f"{n}@tests.example") for n in range(3)]
    *queued, lost = sorted(waiting, key=lambda video: video.id)
    for video in queued:
        run_of(instance, video, QUEUED)
    own_admin.execute(TIME_PASSES)
    stranded = PostgresStrandedVideos(own_database, page=1)
    cursor: str | None = None
    for _ in range(len(waiting)):
        cursor = look(instance, stranded, cursor)
    assert own_catalogue.video(lost.id).requeues == 1
    assert look(instance, stranded, cursor) == "{}", "and it begins anew"
    assert [own_catalogue.video(video.id).requeues for video in queued] == [0, 0]


def test_what_has_moved_since_it_was_read_is_left_alone(
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else a lesson that was published in between is shown as failed."""
    held = start(own_lessons, video)
    read = own_catalogue.video(video.id)
    assert not stranded.give_up(read, ErrorCode.INTERNAL), "it is held"
    own_admin.execute(TIME_PASSES)
    own_lessons.mark_failed(held, ErrorCode.NO_SPEECH)
    ended = own_catalogue.video(video.id)
    assert not stranded.give_up(read, ErrorCode.INTERNAL)
    assert not stranded.requeue(read)
    assert own_catalogue.video(video.id) == ended
    own_lessons.mark_processing(held)


def test_no_requeue_has_the_name_of_an_earlier_one(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else its run is never launched: a run key is used once, for ever."""
    for _ in range(2):
        own_admin.execute(TIME_PASSES)
        look(instance, stranded)
        # As when the lesson is published in between.
        own_admin.execute("update videos set requeues = 0")
    keys = own_admin.execute(
        "select deduplication_key, payload -> 'requeue' from events"
        " where name = 'video/upload.completed' order by created_at"
    ).fetchall()
    first = f"{video.id}@1#1"
    assert keys == [(first, 0), (f"{first}~1", 1), (f"{first}~2", 2)]
    assert own_catalogue.video(video.id).processing_status == "pending"


def test_an_upload_that_nobody_has_announced_is_left_alone(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else a row that is made before a long upload fails before its file is there."""
    own_admin.execute("delete from events")
    own_admin.execute(TIME_PASSES)
    look(instance, stranded)
    assert own_catalogue.video(video.id) == video
    # An edit has no event either, and its bytes are there.
    own_admin.execute("update videos set source_etag = upload_etag")
    own_admin.execute(TIME_PASSES)
    look(instance, stranded)
    assert own_catalogue.video(video.id).requeues == 1


def test_a_lesson_whose_run_a_person_has_ended_is_not_started_again(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    own_admin: Connection,
) -> None:
    """Else whoever cancels a run has to do it three times."""
    start(own_lessons, video)
    own_admin.execute(TIME_PASSES)
    # A worker that dies while it is being ended says so to nobody.
    run_id = run_of(instance, video, STARTED)
    own_admin.execute(
        "update leases set owner = %(id)s || ':' || %(id)s", {"id": run_id}
    )
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.report_run_canceling(run)
    look(instance, stranded)
    assert status_of(instance, run_id) is dg.DagsterRunStatus.CANCELED
    look(instance, stranded)
    ended = own_catalogue.video(video.id)
    assert (ended.processing_status, ended.requeues) == ("failed", 0)


def test_what_was_ended_here_or_before_the_newest_upload_says_nothing(
    instance: dg.DagsterInstance, video: Video
) -> None:
    """Else a new upload fails because its predecessor's run was cancelled."""
    runs = VideoRuns(instance)
    before = datetime.now(UTC)
    report_cancelled(instance, run_of(instance, video, STARTED))
    (cancelled,) = runs.of_stranded([Stranded(video, None, before)])[video.id]
    assert cancelled.state is RunState.CANCELLED
    assert runs.of_stranded([Stranded(video, None, datetime.now(UTC))]) == {
        video.id: []
    }
    ended_here = run_of(instance, video, STARTED)
    assert runs.cancel_runs(video.id) == 1
    report_cancelled(instance, ended_here)
    assert runs.of_stranded([Stranded(video, None, before)]) == {video.id: []}


def test_a_run_in_line_for_a_pool_is_known_to_wait(
    instance: dg.DagsterInstance, video: Video
) -> None:
    """Else a run that waits long for its first step is taken for one that hangs."""
    pools = instance.event_log_storage
    pools.set_concurrency_slots("tests", 1)
    first, second = (run_of(instance, video, STARTED) for _ in range(2))
    for run_id in (first, second):
        pools.claim_concurrency_slot("tests", run_id, "audio")
    found = VideoRuns(instance).of_stranded([Stranded(video, None, EPOCH)])[video.id]
    for run_id in (first, second):
        pools.free_concurrency_slots_for_run(run_id)
    pools.delete_concurrency_limit("tests")
    assert {run.run_id: run.state for run in found} == {
        first: RunState.WORKING,
        second: RunState.WAITING,
    }


OTHER_EVENTS = """
insert into events (id, name, schema_version, deduplication_key, payload)
select
    gen_random_uuid(), 'video/upload.completed', 1, number,
    jsonb_build_object('videoId', gen_random_uuid())
from generate_series(1, 2000) as number
"""


def test_the_reaper_reads_what_is_on_its_way_and_no_more(own_admin: Connection) -> None:
    """Else each look, three a minute, reads every video and every upload's event."""
    own_admin.execute(OTHER_EVENTS)
    own_admin.execute("analyze events, videos, leases")
    own_admin.execute("set enable_seqscan = off")
    parameters = {
        "status": "pending",
        "after": FIRST,
        "patience": FORGOTTEN_AFTER,
        "upload_completed": "video/upload.completed",
        "page": 1000,
    }
    rows = own_admin.execute("explain " + LOOK, parameters).fetchall()
    plan = "\n".join(str(line) for (line,) in rows)
    assert "idx_videos_on_their_way" in plan
    assert "idx_events_uploads" in plan
    assert "Seq Scan" not in plan
