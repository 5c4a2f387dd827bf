"""The nightly collection as Dagster runs it."""

import os
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import dagster as dg
import psycopg
import pytest

from assets.operations.orphaned_objects import orphaned_objects_job
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.operations.orphans import OrphanRows
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.services import DatabaseUrls

KEY = "uploads/2026-11-01/{}@x.org/lesson.mp4"
LONG_AGO_S = 30 * 24 * 3600


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    """A storage of this test alone."""
    return FolderStorage(tmp_path)


def aged(storage: FolderStorage, key: str) -> StoredObject:
    """An object, as if it had been stored long ago."""
    then = time.time() - LONG_AGO_S
    os.utime(storage.root / key, (then, then))
    found = storage.stat(key)
    assert found is not None
    return found


def run(database: Database, storage: FolderStorage) -> dg.ExecuteInProcessResult:
    """One run of the job, to its end."""
    return orphaned_objects_job.execute_in_process(
        resources={"storage": storage, "orphans": OrphanRows(database)},
        raise_on_error=False,
    )


def test_each_night_what_was_deleted_goes_and_the_numbers_are_told(
    own_urls: DatabaseUrls,
    own_database: Database,
    own_catalogue: PostgresCatalogue,
    storage: FolderStorage,
) -> None:
    """Else deleted lessons stay in storage, and nobody sees how much."""
    videos = {}
    for name in ("kept", "gone"):
        key = KEY.format(name)
        storage.put(key, BytesIO(b"x"))
        upload = aged(storage, key)
        videos[name] = own_catalogue.register_upload(upload, parse_upload_key(key))
    own_catalogue.delete_video(videos["gone"], datetime.now(UTC))
    with psycopg.connect(own_urls.admin, autocommit=True) as rows:
        rows.execute(
            "update orphaned_blobs set orphaned_at = orphaned_at - interval '30 days'"
        )
    result = run(own_database, storage)
    assert result.success
    (told,) = (
        event.step_output_data.metadata
        for event in result.events_for_node("collect_objects")
        if event.is_successful_output
    )
    assert told["deleted"].value == 1
    assert [found.key for found in storage.list("", limit=9)] == [KEY.format("kept")]


def test_a_night_without_a_database_of_lessons_deletes_nothing_and_fails(
    own_urls: DatabaseUrls, own_database: Database, storage: FolderStorage
) -> None:
    """Else somebody learns of an emptied database from an emptied storage."""
    with psycopg.connect(own_urls.admin, autocommit=True) as rows:
        rows.execute("truncate creators, events, orphaned_blobs cascade")
    storage.put("audio/a.flac", BytesIO(b"x"))
    aged(storage, "audio/a.flac")
    result = run(own_database, storage)
    assert not result.success
    (failure,) = (
        event.step_failure_data
        for event in result.events_for_node("collect_objects")
        if event.is_step_failure
    )
    assert failure.user_failure_data is not None
    assert "names no object under audio/" in str(failure.user_failure_data.description)
    assert storage.stat("audio/a.flac") is not None
