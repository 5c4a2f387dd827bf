"""A look as Dagster runs it, over the real database, storage and sockets."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from uuid import uuid4

import dagster as dg
import psycopg
import pytest

from assets.operations.content_health import content_health, suspect_lessons_job
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.operations.content_health import (
    ContentHealthRows,
)
from mentora_pipelines.adapters.postgres.operations.lesson_gaps import LessonGapRows
from mentora_pipelines.domain.operations.health_alerts import AlertRule
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.providers.content_health import open_lesson_prober
from mentora_pipelines.services import DatabaseUrls
from schedules.content_health import content_health_schedule
from schedules.suspect_lessons import suspect_lessons_schedule
from tests.fix_runs import Connection
from tests.stored_lessons import stored_lesson
from tests.web import FRONT, Web, prober_for, serving, status

WEEK = "2026-11-15"

TIME = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
"""A Sunday; the week that ends then began on the fifteenth."""


@pytest.fixture
def admin(own_urls: DatabaseUrls) -> Iterator[Connection]:
    """No lesson is there yet."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute("delete from creators")
        yield connection


@pytest.fixture
def published(
    own_catalogue: PostgresCatalogue, own_lessons: PostgresLessons, admin: Connection
) -> list[Video]:
    """Three lessons that students see."""
    assert admin
    videos = []
    for _ in range(3):
        video, *_ = stored_lesson(own_catalogue, own_lessons)
        assert own_lessons.publish(video)
        videos.append(video)
    return videos


def figures(metadata: object) -> dict[str, object]:
    """Names and numbers."""
    assert isinstance(metadata, dict)
    return {name: getattr(value, "value", value) for name, value in metadata.items()}


def test_a_look_reports_what_it_found(
    published: list[Video], own_database: Database, admin: Connection
) -> None:
    """Else an operator sees a green run and no number."""
    web = Web(FRONT)
    with serving(web):
        web.answers["/gone.mp4"] = status("404 Not Found")
        urls = [web.url("/well.mp4"), web.url("/gone.mp4"), "http://169.254.169.254/"]
        for video, url in zip(published, urls, strict=True):
            admin.execute(
                "update videos set video_url = %s where id = %s", [url, video.id]
            )
        resources = {
            "health_ledger": ContentHealthRows(own_database, AlertRule()),
            "lesson_prober": (prober := prober_for(web)),
            "lesson_gaps": LessonGapRows(own_database),
        }
        result = dg.materialize(
            [content_health], partition_key=WEEK, resources=resources
        )
        (made,) = result.asset_materializations_for_node("content_health")
        found = figures(made.metadata)
        admin.execute(
            "update content_health_checks set checked_at = now() - interval '1 day'"
        )
        again = suspect_lessons_job.execute_in_process(resources=resources)
        prober.close()
    assert {name: found[name] for name in ("lessons", "ok", "gone", "blocked")} == {
        "lessons": 3, "ok": 1, "gone": 1, "blocked": 1,
    }  # fmt: skip
    assert found["examples: gone"] == [str(published[1].id)]
    assert again.success
    (event,) = again.filter_events(
        lambda event: event.event_type is dg.DagsterEventType.STEP_OUTPUT
    )
    suspects = figures(event.step_output_data.metadata)
    assert (suspects["lessons"], suspects["gone"]) == (1, 1)


def test_gaps_are_counted_with_examples(
    published: list[Video], own_database: Database, admin: Connection
) -> None:
    """Else a lesson without captions, or one that no search finds, shows nowhere."""
    gaps = LessonGapRows(own_database).gaps()
    assert {kind.value: gap.lessons for kind, gap in gaps.items()} == {
        "stale embeddings": 0,
        "missing captions": 0,
        "uncovered speech": 0,
        "stale quizzes": 0,
    }
    first, second, third = (video.id for video in published)
    admin.execute("delete from chunk_embeddings where video_id = %s", [first])
    admin.execute("delete from caption_tracks where video_id = %s", [second])
    admin.execute(
        "delete from transcript_chunks where video_id = %s and chunk_index = 1", [third]
    )
    admin.execute("update quizzes set status = 'stale' where video_id = %s", [first])
    gaps = LessonGapRows(own_database).gaps()
    assert {kind.value: gap.examples for kind, gap in gaps.items()} == {
        "stale embeddings": (first,),
        "missing captions": (second,),
        "uncovered speech": (third,),
        "stale quizzes": (first,),
    }


def test_the_prober_of_the_settings_finds_objects_and_asks_nothing_inside(
    storage: FolderStorage,
    published: list[Video],
    own_database: Database,
    admin: Connection,
) -> None:
    """Else production is wired to other limits than those that were tested."""
    key = f"uploads/2026-11-01/ada@tests.example/{uuid4()}.mp4"
    storage.put(key, BytesIO(b"video"))
    there, inside, away = (video.id for video in published)
    canary = Web("127.0.0.1")
    with serving(canary), open_lesson_prober() as prober:
        admin.execute("update videos set storage_key = %s where id = %s", [key, there])
        url = canary.url("/v.mp4", "localhost")
        admin.execute("update videos set video_url = %s where id = %s", [url, inside])
        result = dg.materialize(
            [content_health],
            partition_key=WEEK,
            resources={
                "health_ledger": ContentHealthRows(own_database, AlertRule()),
                "lesson_prober": prober,
                "lesson_gaps": LessonGapRows(own_database),
            },
        )
    assert result.success
    rows = admin.execute("select video_id, outcome from content_health_checks")
    assert {row[0]: row[1] for row in rows} == {
        there: "ok",
        inside: "blocked",
        away: "gone",
    }
    assert canary.connections == 0


def test_looks_are_asked_for_at_their_times() -> None:
    """Else a week is skipped, or is another one in another time zone."""
    context = dg.build_schedule_context(scheduled_execution_time=TIME)
    request = content_health_schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == WEEK
    assert content_health_schedule.cron_schedule == "0 3 * * 0"
    assert suspect_lessons_schedule.cron_schedule == "30 3 * * *"
    for schedule in (content_health_schedule, suspect_lessons_schedule):
        assert schedule.execution_timezone == "UTC"
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
