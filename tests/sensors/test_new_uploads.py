"""The sensor that asks for a run of each upload, on the real instance."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import dagster as dg
import pytest

from assets.jobs import CREATOR_TAG, LESSON_WITHOUT_QUIZ, VIDEO_TAG
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
from mentora_pipelines.domain.uploads import MAX_RUNS
from mentora_pipelines.domain.videos import ProcessingStatus
from mentora_pipelines.errors import ErrorCode
from sensors.new_uploads import new_uploads

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


def requests(found: dg.SensorResult | dg.SkipReason) -> list[dg.RunRequest]:
    """The runs that a tick asked for."""
    assert isinstance(found, dg.SensorResult), found
    return list(found.run_requests or [])


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


def test_each_upload_gets_one_run_named_by_its_bytes(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    creator_email: str,
) -> None:
    """Else an upload is never processed, or once for every look."""
    key = drop(store, creator_email, "first-lesson.mp4")
    found = look()
    (request,) = requests(found)
    upload = store.stat(key)
    video = catalogue.find_by_storage_key(key)
    assert upload is not None
    assert video is not None
    assert video.processing_status is ProcessingStatus.PENDING
    assert (video.title, video.creator_email) == ("first lesson", creator_email)
    assert request.run_key == f"{video.id}@{upload.etag}#1"
    assert request.partition_key == str(video.id)
    assert request.tags[VIDEO_TAG] == str(video.id)
    assert request.tags[CREATOR_TAG] == str(video.creator_id)
    assert request.asset_selection is None
    assert isinstance(found, dg.SensorResult)
    (partitions,) = found.dynamic_partitions_requests or []
    assert isinstance(partitions, dg.AddDynamicPartitionsRequest)
    assert partitions.partitions_def_name == "videos"
    assert partitions.partition_keys == [str(video.id)]


def test_a_second_look_asks_again_only_for_what_still_waits(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    creator_email: str,
) -> None:
    """Else a request that was cut off is lost, or finished lessons run again."""
    started = drop(store, creator_email, "started.mp4")
    waiting = drop(store, creator_email, "waiting.mp4")
    first = {request.run_key for request in requests(look())}
    assert len(first) == 2
    video = catalogue.find_by_storage_key(started)
    assert video is not None
    lessons.mark_processing(video)

    (again,) = requests(look())
    assert again.run_key in first, "the same run key: Dagster launches it once"
    asked = catalogue.find_by_storage_key(waiting)
    assert asked is not None
    assert again.partition_key == str(asked.id)


def test_other_bytes_under_a_known_key_are_another_run(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    creator_email: str,
) -> None:
    """Else a corrected lesson is never shown."""
    key = drop(store, creator_email, "lesson.mp4")
    (first,) = requests(look())
    video = catalogue.find_by_storage_key(key)
    assert video is not None
    lessons.mark_processing(video)
    assert isinstance(look(), dg.SkipReason)

    drop(store, creator_email, "lesson.mp4", age_s=30, text="corrected")
    (second,) = requests(look())
    assert second.run_key != first.run_key
    assert second.partition_key == first.partition_key
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
    look: Look, store: FolderStorage, creator_email: str
) -> None:
    """Else half a lesson is processed and refused as truncated."""
    drop(store, creator_email, "growing.mp4", age_s=0)
    assert isinstance(look(), dg.SkipReason)
    drop(store, creator_email, "growing.mp4", age_s=10)
    assert len(requests(look())) == 1


def test_a_malformed_key_is_named_and_stops_no_other(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    creator_email: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else one misplaced file stops every creator's lessons."""
    drop(store, "not a creator", "lost.mp4")
    drop(store, "00000000-0000-4000-8000-000000000000", "of-nobody.mp4")
    good = drop(store, creator_email, "good.mp4")
    (request,) = requests(look())
    video = catalogue.find_by_storage_key(good)
    assert video is not None
    assert request.partition_key == str(video.id)
    lines = capsys.readouterr().err.splitlines()
    warned = sorted(line for line in lines if "is left alone" in line)
    assert len(warned) == 2
    assert "there is no creator" in warned[0]
    assert "neither a creator's id nor a mail address" in warned[1]


def test_a_flood_of_uploads_is_taken_in_bounded_looks_and_none_is_lost(
    look: Look,
    store: FolderStorage,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    creator_email: str,
) -> None:
    """Else a course moved in at once times the sensor out, for ever."""
    keys = [
        drop(store, creator_email, f"lesson-{number:03}.mp4")
        for number in range(MAX_RUNS + 10)
    ]
    asked = []
    cursor: str | None = None
    for expected in (MAX_RUNS, 10):
        found = look(cursor)
        assert len(requests(found)) == expected
        for request in requests(found):
            video = catalogue.video(UUID(request.partition_key))
            asked.append(video.storage_key)
            lessons.mark_processing(video)
        assert isinstance(found, dg.SensorResult)
        cursor = found.cursor
    assert asked == keys
    assert isinstance(look(cursor), dg.SkipReason)


def test_quizzes_on_request_are_left_out_of_the_run(
    look: Look,
    store: FolderStorage,
    creator_email: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a creator who wants no quiz gets one."""
    monkeypatch.setenv("MENTORA_AUTO_GENERATE_QUIZ", "false")
    drop(store, creator_email, "lesson.mp4")
    (request,) = requests(look())
    assert request.asset_selection == [dg.AssetKey(n) for n in LESSON_WITHOUT_QUIZ]
