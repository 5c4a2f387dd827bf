"""The reaper: on the real instance, over real leases."""

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import psycopg
import pytest

from assets.jobs import VIDEO_TAG, lesson_job
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.stranded_videos import PostgresStrandedVideos
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.stranded_videos import MAX_REQUEUES
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import CREATOR_SENTENCES, ErrorCode, Overtaken
from mentora_pipelines.services import DatabaseUrls, dagster_postgres_url
from sensors.stranded_videos import stranded_videos
from tests.fix_runs import Connection
from tests.stored_lessons import register

TIME_PASSES = """
alter table videos disable trigger user;
update videos set updated_at = updated_at - interval '10 minutes';
alter table videos enable trigger user;
update leases set until = until - interval '10 minutes';
update events set status = 'done', outcome = 'launched', handled_at = now()
where status = 'pending';
"""


@pytest.fixture
def admin(own_urls: DatabaseUrls) -> Iterator[Connection]:
    """The database of these tests, without a row at the start of each."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute("truncate creators, events, leases cascade")
        yield connection


@pytest.fixture
def stranded(own_urls: DatabaseUrls) -> Iterator[PostgresStrandedVideos]:
    """What the reaper looks after."""
    database = Database(own_urls.admin, "tests-reaper")
    yield PostgresStrandedVideos(database)
    database.close()


@pytest.fixture
def video(own_catalogue: PostgresCatalogue, admin: Connection) -> Video:
    """An upload that waits."""
    assert admin
    return register(own_catalogue, "ada@tests.example")


def look(instance: dg.DagsterInstance, stranded: PostgresStrandedVideos) -> None:
    """One tick of the reaper."""
    context = dg.build_sensor_context(
        instance=instance, resources={"stranded": stranded}
    )
    assert isinstance(stranded_videos(context), dg.SkipReason)


def start(lessons: PostgresLessons, video: Video, owner: str = "r1:r1") -> Video:
    """A run takes the video up; what it holds."""
    held = replace(video, fencing_token=lessons.hold(video, owner))
    assert held.fencing_token is not None
    lessons.mark_processing(held)
    lessons.rest(held)
    return held


def run_of(
    instance: dg.DagsterInstance, video: Video, status: dg.DagsterRunStatus
) -> str:
    """A run of the video that Dagster believes to be in `status`."""
    run = instance.create_run_for_job(
        defs.resolve_job_def(lesson_job.name),
        status=status,
        tags={VIDEO_TAG: str(video.id)},
    )
    return run.run_id


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
    admin: Connection,
) -> None:
    """Else a video is `processing` for ever, or a dead run comes back and writes."""
    held = start(own_lessons, video)
    admin.execute(TIME_PASSES)
    look(instance, stranded)
    again = own_catalogue.video(video.id)
    assert (again.processing_status, again.requeues) == ("pending", 1)
    (key,) = admin.execute(
        "select deduplication_key from events where status = 'pending'"
        " and name = 'video/upload.completed'"
    ).fetchone() or ("",)
    assert key == f"{video.id}@1#1~1"
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
    admin: Connection,
) -> None:
    """Else a file that kills its worker is tried for ever, or ends without a word."""
    for attempt in range(MAX_REQUEUES + 1):
        start(own_lessons, own_catalogue.video(video.id), f"r{attempt}:r{attempt}")
        admin.execute(TIME_PASSES)
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
    admin: Connection,
) -> None:
    """Else a wrong setting at the wrong moment loses an upload for ever."""
    admin.execute(TIME_PASSES)
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
    admin: Connection,
) -> None:
    """Else it is STARTED for ever, and keeps its places in the queue and the pools."""
    run_id = run_of(instance, video, dg.DagsterRunStatus.STARTED)
    start(own_lessons, video, f"{run_id}:{run_id}")
    admin.execute(TIME_PASSES)
    look(instance, stranded)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert run.tags["dagster/failure_reason"] == "UNEXPECTED_TERMINATION"
    assert own_catalogue.video(video.id).requeues == 0, "its resumption comes first"
    # The resumed run is of the same chain: it need not wait for anything.
    resumed = own_lessons.hold(video, f"{run_id}:another")
    assert resumed is not None


def test_a_run_that_hangs_does_not_hold_up_the_run_of_the_next_upload(
    instance: dg.DagsterInstance,
    stranded: PostgresStrandedVideos,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    video: Video,
    admin: Connection,
) -> None:
    """Else it waits in the queue behind a dead one, which nobody ends for hours."""
    hangs = run_of(instance, video, dg.DagsterRunStatus.STARTED)
    start(own_lessons, video, f"{hangs}:{hangs}")
    newest = register(own_catalogue, "ada@tests.example", etag="2")
    waits = run_of(instance, newest, dg.DagsterRunStatus.NOT_STARTED)
    admin.execute(TIME_PASSES)
    with psycopg.connect(dagster_postgres_url(), autocommit=True) as dagster:
        dagster.execute(
            "update runs set update_timestamp = update_timestamp - interval '1 hour'"
            " where run_id = %(run_id)s",
            {"run_id": hangs},
        )
    look(instance, stranded)
    statuses = {
        run.run_id: run.status
        for run in instance.get_runs(dg.RunsFilter(run_ids=[hangs, waits]))
    }
    assert statuses == {
        hangs: dg.DagsterRunStatus.FAILURE,
        waits: dg.DagsterRunStatus.NOT_STARTED,
    }
    instance.delete_run(waits)
