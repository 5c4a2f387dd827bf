"""Leases and the fence, on the real database."""

from dataclasses import replace
from uuid import uuid4

import dagster as dg
import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.leases import SHORTEST_LIMIT, owner_of, step_limit
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, Overtaken
from mentora_pipelines.services import DatabaseUrls
from mentora_pipelines.settings.media import MediaSettings
from tests.fix_runs import Connection, outlive_lease
from tests.stored_lessons import register, stored_lesson


def hold(lessons: PostgresLessons, video: Video, owner: str) -> Video:
    """The video as its new owner has it."""
    token = lessons.hold(video, owner)
    assert token is not None
    return replace(video, fencing_token=token)


@pytest.fixture
def video(catalogue: PostgresCatalogue) -> Video:
    """An upload of a creator of its own."""
    return register(catalogue, f"{uuid4()}@tests.example")


def test_one_run_at_a_time_holds_a_video(
    lessons: PostgresLessons, video: Video
) -> None:
    """Else two runs work on one lesson and pay twice."""
    held = hold(lessons, video, "a:a")
    assert lessons.hold(video, "b:b") is None
    lessons.rest(held)
    assert lessons.hold(video, "b:b") is None, "between two steps it is still held"
    assert lessons.hold(video, "a:a") == held.fencing_token


def test_a_run_that_resumes_another_takes_over_at_once(
    lessons: PostgresLessons, video: Video
) -> None:
    """Else the resumption of a killed run waits for a lease that nobody holds."""
    dead = hold(lessons, video, owner_of("a", None))
    resumed = hold(lessons, video, owner_of("b", "a"))
    assert (resumed.fencing_token or 0) > (dead.fencing_token or 0)
    with pytest.raises(Overtaken):
        lessons.mark_processing(dead)
    lessons.mark_processing(resumed)


def test_a_late_run_writes_nothing_that_readers_or_creators_see(
    catalogue: PostgresCatalogue, lessons: PostgresLessons, admin: Connection
) -> None:
    """Else a run that slept through its lease overwrites the one after it."""
    video, transcript, _, _ = stored_lesson(catalogue, lessons)
    late = hold(lessons, video, "a:a")
    outlive_lease(admin, video)
    hold(lessons, video, "b:b")
    before = catalogue.video(video.id)
    for write in (
        lambda: lessons.mark_processing(late),
        lambda: lessons.mark_failed(late, ErrorCode.INTERNAL),
        lambda: lessons.record_source(
            late, etag="2", source_hash="b" * 64, audio_key="audio/b", duration_s=1
        ),
        lambda: lessons.stage_transcript(late, transcript.id),
        lambda: lessons.add_transcript(late, transcript),
        lambda: lessons.publish(late),
    ):
        with pytest.raises(Overtaken):
            write()
    assert catalogue.video(video.id) == before


def test_what_is_held_is_given_back_at_the_end(
    urls: DatabaseUrls, lessons: PostgresLessons, video: Video
) -> None:
    """Else the next command waits for a lease whose owner has gone home."""
    database = Database(urls.app, "tests-lease")
    other = PostgresLessons(database)
    hold(other, video, "a:a")
    other.close()
    database.close()
    assert lessons.hold(video, "b:b") is not None


def test_a_step_has_time_for_a_long_video_and_not_for_ever() -> None:
    """Else a long lesson is taken from its run, or a hanging one keeps its video."""
    assert step_limit(None) == step_limit(60) == SHORTEST_LIMIT
    assert step_limit(2 * 3600).total_seconds() == 2 * 3600


def test_no_step_has_more_time_than_its_run(instance: dg.DagsterInstance) -> None:
    """Else the run of a long lesson is ended while its step may still work."""
    longest = MediaSettings.model_fields["max_duration_s"].default
    limit = instance.get_settings("run_monitoring")["max_runtime_seconds"]
    assert step_limit(longest).total_seconds() <= limit
