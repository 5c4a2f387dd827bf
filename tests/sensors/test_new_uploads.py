"""The sensor that registers each upload, on the real instance."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.upload_looks import (
    MAX_UPLOADS,
    UploadCursor,
    look_for_uploads,
)
from mentora_pipelines.domain.videos import ProcessingStatus
from mentora_pipelines.errors import ErrorCode, TransientError
from sensors.new_uploads import new_uploads
from tests.fix_runs import Connection
from tests.stored_lessons import register

Look = Callable[..., dg.SensorResult | dg.SkipReason]


@pytest.fixture
def store(tmp_path: Path) -> FolderStorage:
    """A storage that no other test uses."""
    return FolderStorage(tmp_path)


@pytest.fixture
def look(
    instance: dg.DagsterInstance, catalogue: PostgresCatalogue, store: FolderStorage
) -> Look:
    """One tick of the sensor, with the cursor of the one before."""

    def tick(cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        context = dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            resources={"storage": store, "catalogue": catalogue},
        )
        found = new_uploads(context)
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        return found

    return tick


EVENTS = """
select deduplication_key, payload from events
where name = 'video/upload.completed' and creator_id = (
    select id from creators where email = %(email)s)
order by created_at, id
"""


REFUSED = """
select substring(payload ->> 'text' from '[^/]*$') as name, status, dead_reason
from events where name = 'storage/upload.refused' order by 1
"""


def events(admin: Connection, email: str) -> dict[str, Any]:
    """The uploads that were announced: payload by deduplication key."""
    return {str(k): v for k, v in admin.execute(EVENTS, {"email": email})}


def drop(
    store: FolderStorage, creator: str, name: str, age_s: float = 60, text: str = "x"
) -> str:
    """Copy a file into the folder, as a person would; its key."""
    key = f"uploads/2026-11-01/{creator}/{name}"
    path = store.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return key


def test_each_upload_is_announced_once_by_its_bytes(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    creator_email: str,
    admin: Connection,
) -> None:
    """Else an upload is never processed, or once for every look."""
    key = drop(store, creator_email, "first-lesson.mp4")
    for _ in range(2):
        look()
    upload = store.stat(key)
    video = catalogue.find_by_storage_key(key)
    assert upload is not None
    assert video is not None
    assert video.processing_status is ProcessingStatus.PENDING
    assert (video.title, video.creator_email) == ("first lesson", creator_email)
    assert events(admin, creator_email) == {
        f"{video.id}@{upload.etag}#1": {
            "videoId": str(video.id),
            "creatorId": str(video.creator_id),
            "videoUrl": key,
            "autoGenerateQuiz": True,
            "uploadNumber": 1,
            "requeue": 0,
        }
    }
    assert isinstance(look(), dg.SkipReason)


def test_a_lost_event_is_written_again_for_what_still_waits(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    creator_email: str,
    admin: Connection,
) -> None:
    """Else an upload waits for ever because somebody tidied a table."""
    started = drop(store, creator_email, "started.mp4")
    drop(store, creator_email, "waiting.mp4")
    look()
    before = events(admin, creator_email)
    assert len(before) == 2
    video = catalogue.find_by_storage_key(started)
    assert video is not None
    lessons.mark_processing(video)
    admin.execute(
        "delete from events where creator_id = %(id)s", {"id": video.creator_id}
    )

    look()
    (again,) = events(admin, creator_email)
    assert again in before
    assert not again.startswith(str(video.id))


def test_other_bytes_under_a_known_key_are_another_event(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    creator_email: str,
    admin: Connection,
) -> None:
    """Else a corrected lesson is never shown."""
    key = drop(store, creator_email, "lesson.mp4")
    look()
    video = catalogue.find_by_storage_key(key)
    assert video is not None
    lessons.mark_processing(video)
    assert isinstance(look(), dg.SkipReason)

    drop(store, creator_email, "lesson.mp4", age_s=30, text="corrected")
    look()
    payloads = events(admin, creator_email).values()
    assert [payload["uploadNumber"] for payload in payloads] == [1, 2]
    assert catalogue.video(video.id).processing_status is ProcessingStatus.PENDING


def test_a_run_that_was_overtaken_changes_no_status(
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    look: Look,
    store: FolderStorage,
    creator_email: str,
) -> None:
    """Else the newest upload looks taken in, and nobody processes it."""
    key = drop(store, creator_email, "lesson.mp4")
    look()
    overtaken = catalogue.find_by_storage_key(key)
    assert overtaken is not None
    drop(store, creator_email, "lesson.mp4", age_s=30, text="corrected")
    look()
    lessons.mark_processing(overtaken)
    lessons.mark_failed(overtaken, ErrorCode.INTERNAL)
    status = catalogue.video(overtaken.id).processing_status
    assert status is ProcessingStatus.PENDING


def test_a_file_that_is_still_growing_is_left_alone(
    look: Look, store: FolderStorage, creator_email: str, admin: Connection
) -> None:
    """Else half a lesson is refused as truncated, and its creator gets a mail."""
    # A copy that stalls for some seconds after each part.
    for part, age_s in enumerate((0, 3, 4), start=1):
        key = drop(store, creator_email, "growing.mp4", age_s, "x" * part)
        assert isinstance(look(), dg.SkipReason)
    assert events(admin, creator_email) == {}
    drop(store, creator_email, "growing.mp4", age_s=20, text="x" * 4)
    for _ in range(2):
        look()
    whole = store.stat(key)
    assert whole is not None
    assert [f"@{whole.etag}#1" in name for name in events(admin, creator_email)] == [
        True
    ]


def test_a_storage_that_is_not_there_fails_the_tick(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    creator_email: str,
) -> None:
    """Else a folder that is not mounted is green for ever, and nobody's file comes."""
    key = drop(store, creator_email, "lesson.mp4")
    look()
    video = catalogue.find_by_storage_key(key)
    assert video is not None
    lessons.record_source(
        video,
        etag=video.upload_etag,
        source_hash="a" * 64,
        audio_key="audio/a",
        duration_s=9,
    )
    (store.root / key).unlink()
    with pytest.raises(TransientError, match="no upload at all"):
        look()


def test_a_row_whose_upload_never_came_fails_no_tick(
    own_admin: Connection, own_catalogue: PostgresCatalogue, store: FolderStorage
) -> None:
    """Else the first upload that is given up alarms a new platform until the next."""
    assert own_admin
    register(own_catalogue, "ada@tests.example")
    found = look_for_uploads(
        store, own_catalogue, cursor=UploadCursor(), now=datetime.now(UTC)
    )
    assert (found.due, found.keys) == ((), 0)


def test_a_malformed_key_is_named_and_stops_no_other(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    creator_email: str,
    admin: Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else one misplaced file stops every creator's lessons."""
    drop(store, "not a creator", "lost.mp4")
    drop(store, "00000000-0000-4000-8000-000000000000", "of-nobody.mp4")
    good = drop(store, creator_email, "good.mp4")
    admin.execute("delete from events where name = 'storage/upload.refused'")
    for _ in range(2):
        look()
    video = catalogue.find_by_storage_key(good)
    assert video is not None
    assert len(events(admin, creator_email)) == 1
    lines = capsys.readouterr().err.splitlines()
    warned = sorted(line for line in lines if "is left alone" in line)
    assert len(warned) == 2
    assert "there is no creator" in warned[0]
    assert "neither a creator's id nor a mail address" in warned[1]
    kept = admin.execute(REFUSED).fetchall()
    assert [name for name, _, _ in kept] == ["lost.mp4", "of-nobody.mp4"]
    assert {status for _, status, _ in kept} == {"dead"}
    assert all(reason for _, _, reason in kept)


def test_a_flood_of_uploads_is_taken_in_bounded_looks_and_none_is_lost(
    look: Look, store: FolderStorage, creator_email: str, admin: Connection
) -> None:
    """Else a course moved in at once times the sensor out, for ever."""
    keys = [
        drop(store, creator_email, f"lesson-{number:03}.mp4")
        for number in range(MAX_UPLOADS + 10)
    ]
    cursor: str | None = None
    for expected in (MAX_UPLOADS, len(keys)):
        found = look(cursor)
        assert len(events(admin, creator_email)) == expected
        assert isinstance(found, dg.SensorResult)
        # As Dagster does: an empty cursor leaves the old one.
        cursor = found.cursor or cursor
    announced = events(admin, creator_email).values()
    assert {payload["videoUrl"] for payload in announced} == set(keys)
    assert isinstance(look(cursor), dg.SkipReason)
