"""What nobody names any more: found, guarded and removed, on real rows and stores."""

import io
import os
import time
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from mentora_pipelines.adapters.folder_storage import PARTIAL_PREFIX, FolderStorage
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.operations.orphans import (
    SELECT_NAMED,
    OrphanRows,
)
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.captions import CaptionTrack, caption_lesson
from mentora_pipelines.domain.operations.orphan_kinds import PAGE_KEYS, needless_reports
from mentora_pipelines.domain.operations.orphans import (
    SMALL_NUMBER,
    Collected,
    OrphanSurvey,
    collect_orphans,
    survey_orphans,
)
from mentora_pipelines.domain.operations.unused_vectors import (
    VectorUse,
    collect_vectors,
)
from mentora_pipelines.domain.storage import StoredObject, UnfinishedWrite
from mentora_pipelines.domain.upload_looks import UploadCursor, look_for_uploads
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.services import DatabaseUrls
from tests.fakes import FakeStorage
from tests.fix_object_stores import S3Server
from tests.fix_runs import Connection
from tests.stored_lessons import (
    SENTENCES,
    register,
    stored_lesson,
    transcript_for,
)

Storage = FolderStorage | S3Storage

GRACE = timedelta(days=7)


def later(days: float = 8) -> datetime:
    """A moment at which what is stored now is so old."""
    return datetime.now(UTC) + timedelta(days=days)


@pytest.fixture
def rows(own_urls: DatabaseUrls) -> Iterator[Connection]:
    """The module's own database, without a lesson."""
    with psycopg.connect(own_urls.admin, autocommit=True) as connection:
        connection.execute("truncate creators, events, orphaned_blobs cascade")
        yield connection


@pytest.fixture
def ledger(own_database: Database, rows: Connection) -> OrphanRows:
    """What the database knows of objects."""
    assert rows.info.dbname
    return OrphanRows(own_database)


class Shelf:
    """Lessons whose objects lie in a storage, and what is collected of it."""

    def __init__(
        self,
        storage: Storage,
        ledger: OrphanRows,
        catalogue: PostgresCatalogue,
        lessons: PostgresLessons,
    ) -> None:
        self.storage = storage
        self.ledger = ledger
        self.catalogue = catalogue
        self.lessons = lessons

    def put(self, key: str, content: bytes = b"x") -> StoredObject:
        """Store some bytes."""
        return self.storage.put(key, io.BytesIO(content))

    def put_again(self, key: str) -> None:
        """Store the same bytes; into a folder with the date of the file (`cp -p`)."""
        if not isinstance(self.storage, FolderStorage):
            self.put(key)
            return
        path = self.storage.root / key
        facts = path.stat()
        path.write_bytes(path.read_bytes())
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def aged(self, stored: StoredObject) -> StoredObject:
        """The object; in a folder its date is that of a file from long ago."""
        if not isinstance(self.storage, FolderStorage):
            return stored
        os.utime(self.storage.root / stored.key, (1e9, 1e9))
        found = self.storage.stat(stored.key)
        assert found is not None
        return found

    def lesson(self, name: str, content: bytes = b"x") -> Video:
        """An upload with the sound and the captions that were made of it."""
        key = f"uploads/2026-11-01/{name}@x.org/lesson.mp4"
        upload = self.aged(self.put(key, content))
        video = self.catalogue.register_upload(upload, parse_upload_key(key))
        return self.take_in(video, name)

    def take_in(self, video: Video, name: str) -> Video:
        """Record sound and captions under a name."""
        audio_key, captions_key = f"audio/{name}.flac", f"captions/{name}.vtt"
        for key in (audio_key, captions_key):
            self.put(key)
        self.lessons.record_source(
            video,
            etag=video.upload_etag,
            source_hash=content_hash(name),
            audio_key=audio_key,
            duration_s=9,
        )
        transcript = transcript_for(video, SENTENCES)
        self.lessons.add_transcript(video, transcript)
        self.lessons.put_caption_track(
            video, transcript.id, CaptionTrack("en", captions_key, ())
        )
        return self.catalogue.video(video.id)

    def delete(self, video: Video, ago: timedelta = timedelta()) -> None:
        """Delete a lesson, as it was asked for some time ago."""
        self.catalogue.delete_video(video, datetime.now(UTC) - ago)

    def due(self) -> list[str]:
        """The uploads that a look at storage finds."""
        look = look_for_uploads(
            self.storage, self.catalogue, cursor=UploadCursor(), now=later()
        )
        return [video.storage_key for video in look.due]

    def stored(self) -> set[str]:
        """All that is stored."""
        return {found.key for found in self.storage.list("", limit=1000)}

    def survey(self, days: float = 8) -> OrphanSurvey:
        """What could go, so many days from now."""
        return survey_orphans(self.storage, self.ledger, now=later(days), grace=GRACE)

    def collect(self, days: float = 8, *, past_guard: bool = False) -> Collected:
        """Let it go."""
        return collect_orphans(
            self.storage,
            self.ledger,
            now=later(days),
            grace=GRACE,
            past_guard=past_guard,
        )


@pytest.fixture(params=["folder", "seaweed"])
def any_storage(
    request: pytest.FixtureRequest, new_storage: Callable[[str], Storage]
) -> Storage:
    """An empty storage of each kind that remembers when a write was begun."""
    return new_storage(request.param)


@pytest.fixture
def shelf(
    any_storage: Storage,
    ledger: OrphanRows,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> Shelf:
    """An empty storage and a database without lessons."""
    return Shelf(any_storage, ledger, own_catalogue, own_lessons)


def test_objects_of_a_deleted_lesson_go_after_their_grace(shelf: Shelf) -> None:
    """Else a creator who deletes a lesson finds out that we have kept it."""
    shelf.lesson("kept")
    gone = shelf.lesson("gone")
    before = shelf.stored()
    shelf.delete(gone)
    assert shelf.collect(days=6).deleted == 0
    assert shelf.stored() == before
    numbers = shelf.survey().as_plain()
    assert {k: v for k, v in numbers.items() if k.endswith("_orphans")} == {
        "uploads_orphans": 1,
        "audio_orphans": 1,
        "captions_orphans": 1,
        "reports_orphans": 0,
    }
    assert shelf.stored() == before
    assert shelf.collect().deleted == 3
    assert shelf.stored() == {key for key in before if "gone" not in key}
    again = shelf.collect()
    assert (again.deleted, again.survey.as_plain()["uploads_orphans"]) == (0, 0)


def test_what_was_made_of_replaced_bytes_goes_and_the_upload_stays(
    shelf: Shelf,
) -> None:
    """Else each correction of a lesson leaves another copy of its sound."""
    old = shelf.lesson("old")
    shelf.lesson("another")
    upload = shelf.put(old.storage_key, b"corrected")
    new = shelf.catalogue.register_upload(upload, parse_upload_key(old.storage_key))
    shelf.take_in(new, "new")
    # The older version and its captions can be shown again.
    assert shelf.collect().deleted == 1
    assert "audio/old.flac" not in shelf.stored()
    assert {old.storage_key, "captions/old.vtt", "audio/new.flac"} <= shelf.stored()


def test_what_no_row_may_name_is_left_alone(shelf: Shelf) -> None:
    """Else an upload that nobody has looked at yet is deleted, or a report."""
    shelf.lesson("kept")
    for key in (
        "uploads/2026-11-01/new@x.org/unseen.mp4",
        "uploads/stray.txt",
        "reports/metrics/2026-11-01/platform.html",
    ):
        shelf.put(key)
    before = shelf.stored()
    assert shelf.collect().deleted == 0
    assert shelf.stored() == before


def test_only_the_newest_report_about_the_same_is_kept(
    tmp_path: Path,
    ledger: OrphanRows,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else each night's counting leaves a page for every creator and day."""
    shelf = Shelf(FolderStorage(tmp_path), ledger, own_catalogue, own_lessons)
    for of, pages in (("platform", "ab"), ("someone", "cde")):
        for page in pages:
            shelf.put(f"reports/metrics/2026-11-01/{of}.{page * 64}.html")
            time.sleep(0.01)  # a file system knows no moments between its ticks
    # It counts again, and is read by those who have its link.
    shelf.put(f"reports/metrics/2026-11-01/platform.{'a' * 64}.html")
    assert shelf.survey().as_plain()["reports_orphans"] == 3
    assert shelf.collect().deleted == 3
    kept = {key.split(".")[1][0] for key in shelf.stored() if key.startswith("reports")}
    assert kept == {"a", "e"}


def test_reports_of_who_was_deleted_go_and_no_others(
    tmp_path: Path,
    ledger: OrphanRows,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    rows: Connection,
) -> None:
    """Else what a creator earned is kept for ever, or a lost table takes all."""
    shelf = Shelf(FolderStorage(tmp_path), ledger, own_catalogue, own_lessons)
    there, gone = shelf.lesson("there").creator_id, uuid4()
    for day in ("2026-11-01", "2026-11-02"):
        for of in (there, gone, "platform"):
            shelf.put(f"reports/metrics/{day}/{of}.{'a' * 64}.html")
    assert shelf.collect(days=6).deleted == 0
    assert shelf.collect().deleted == 2
    assert not [key for key in shelf.stored() if str(gone) in key]
    rows.execute("truncate creators cascade")
    with pytest.raises(PermanentError, match="no object under reports/"):
        shelf.collect()


def test_bytes_that_came_back_are_no_orphan(shelf: Shelf) -> None:
    """Else a creator who uploads a deleted lesson again loses it a week later."""
    shelf.lesson("kept")
    gone = shelf.lesson("gone")
    shelf.delete(gone)
    # Other bytes, which the sensor finds: they are a new upload.
    shelf.put(gone.storage_key, b"other bytes")
    assert shelf.collect().deleted == 2
    assert gone.storage_key in shelf.stored()
    assert shelf.due() == [gone.storage_key]
    assert shelf.collect(days=30).deleted == 0


def test_the_same_bytes_after_a_deletion_are_a_new_upload(
    shelf: Shelf, rows: Connection
) -> None:
    """Else who uploads a deleted lesson again never sees it, and loses it in a week."""
    shelf.lesson("kept")
    gone = shelf.lesson("gone")
    shelf.delete(gone)
    assert shelf.due() == []
    shelf.put_again(gone.storage_key)
    # As if they had come a while after it; a bucket's clock knows whole seconds.
    rows.execute("update orphaned_blobs set asked_at = asked_at - interval '2 s'")
    assert shelf.collect().deleted == 2
    assert gone.storage_key in shelf.stored()
    assert shelf.due() == [gone.storage_key]
    assert shelf.collect(days=90).deleted == 0


def test_bytes_that_come_before_a_deletion_is_done_are_a_new_upload(
    shelf: Shelf,
) -> None:
    """Else a lesson deleted and uploaded anew is lost while the daemon is busy."""
    gone = shelf.lesson("gone")
    shelf.put(gone.storage_key)
    shelf.delete(gone, ago=timedelta(minutes=1))
    assert shelf.due() == [gone.storage_key]


def test_a_deletion_that_was_granted_late_has_its_whole_grace(
    own_catalogue: PostgresCatalogue, ledger: OrphanRows, rows: Connection
) -> None:
    """Else a deletion that had waited for a week cannot be taken back any more."""
    video = register(own_catalogue, "ada@x.org")
    asked_at = later(-8)
    own_catalogue.delete_video(video, asked_at)
    assert ledger.noted_orphans(later(-1), after="", limit=9) == []
    (noted,) = ledger.noted_orphans(later(1), after="", limit=9)
    assert (noted.key, noted.asked_at) == (video.storage_key, asked_at)
    # Another one of the same name, of whose deletion nobody has asked for a date.
    register(own_catalogue, "ada@x.org")
    rows.execute(
        "insert into orphaned_blobs (storage_key, creator_id, asked_at)"
        " values (%s, %s, %s)",
        [video.storage_key, video.creator_id, asked_at],
    )
    rows.execute("delete from creators")
    (noted,) = ledger.noted_orphans(later(1), after="", limit=9)
    assert noted.asked_at == noted.orphaned_at


def exact_to_the_millisecond(parsed: dict[str, Any], **_: object) -> None:
    """What R2 and MinIO list; of one object they too tell whole seconds."""
    for entry in parsed.get("Contents", ()):
        entry["LastModified"] = entry["LastModified"].replace(microsecond=170_000)


def test_an_orphan_goes_although_listings_are_more_exact(
    weed_storage: S3Storage,
    seaweed: S3Server,
    ledger: OrphanRows,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else R2 keeps the sound and the captions of every deleted lesson."""
    shelf = Shelf(weed_storage, ledger, own_catalogue, own_lessons)
    shelf.lesson("kept")
    shelf.put("audio/gone.flac")
    events = seaweed.bucket("all").client.meta.events
    asked = ("after-call.s3.ListObjectsV2", exact_to_the_millisecond)
    events.register(*asked)
    try:
        assert shelf.collect().deleted == 1
    finally:
        events.unregister(*asked)


@pytest.mark.parametrize("is_emptied", [True, False])
def test_a_database_that_has_forgotten_its_lessons_deletes_nothing(
    shelf: Shelf, rows: Connection, *, is_emptied: bool
) -> None:
    """Else a wrong DATABASE_URL, or a restore, costs every lesson its sound."""
    for number in range(3 if is_emptied else SMALL_NUMBER + 2):
        shelf.put(f"audio/{number}.flac")
    shelf.lesson("kept")
    if is_emptied:
        rows.execute("truncate creators cascade")
    before = shelf.stored()
    fault = shelf.survey().fault
    assert fault is not None
    assert ("at all" if is_emptied else "would go") in fault
    with pytest.raises(PermanentError, match="no orphan is deleted"):
        shelf.collect()
    assert shelf.stored() == before
    assert shelf.collect(past_guard=True).deleted > 2
    assert "audio/1.flac" not in shelf.stored()


NOTES = "select storage_key, upload_etag, orphaned_at from orphaned_blobs order by 1"


class Meanwhile(FolderStorage):
    """A storage beside which something happens between the survey and the rest."""

    happens: Callable[[], object]

    def unfinished_writes(self, limit: int) -> list[UnfinishedWrite]:
        """What the folder says, after it has happened."""
        self.happens()
        return super().unfinished_writes(limit)


@pytest.mark.parametrize("is_away_from_the_start", [True, False])
def test_a_night_without_its_storage_forgets_no_deletion(
    tmp_path: Path,
    ledger: OrphanRows,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    rows: Connection,
    *,
    is_away_from_the_start: bool,
) -> None:
    """Else deleted lessons are taken for new ones, and shown to students again."""
    storage = Meanwhile(tmp_path)
    shelf = Shelf(storage, ledger, own_catalogue, own_lessons)

    def unmount() -> None:
        storage.root = tmp_path / "nothing"

    shelf.lesson("kept")
    shelf.delete(shelf.lesson("gone"))
    before = rows.execute(NOTES).fetchall()
    storage.happens = unmount
    if is_away_from_the_start:
        unmount()
    assert shelf.collect().deleted == 0
    assert rows.execute(NOTES).fetchall() == before
    storage.root, storage.happens = tmp_path, lambda: None
    assert shelf.due() == []
    assert shelf.collect().deleted == 3


def test_a_note_without_its_object_is_forgotten_at_last(
    shelf: Shelf, rows: Connection
) -> None:
    """Else each night looks for all that was ever deleted by hand."""
    shelf.lesson("kept")
    gone = shelf.lesson("gone")
    shelf.delete(gone)
    shelf.storage.delete(gone.storage_key)
    for days, left in ((8, [gone.storage_key]), (60, [])):
        shelf.collect(days)
        assert [key for key, *_ in rows.execute(NOTES)] == left


def test_an_object_that_is_named_at_the_last_moment_stays(
    tmp_path: Path,
    ledger: OrphanRows,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    rows: Connection,
) -> None:
    """Else a lesson that was just made again has no sound."""
    storage = Meanwhile(tmp_path)
    storage.happens = lambda: rows.execute(
        "update videos set audio_key = 'audio/reused.flac'"
    )
    shelf = Shelf(storage, ledger, own_catalogue, own_lessons)
    shelf.lesson("kept")
    shelf.put("audio/reused.flac")
    collected = shelf.collect()
    assert collected.survey.as_plain()["audio_orphans"] == 1
    assert collected.deleted == 0
    assert "audio/reused.flac" in shelf.stored()


class LastLook(FolderStorage):
    """A storage beside which something happens before the last look at an object."""

    happens: Callable[[], object] | None = None

    def stat(self, key: str) -> StoredObject | None:
        """What the folder says, after it has happened."""
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return super().stat(key)


def test_captions_that_are_wanted_again_are_there(
    tmp_path: Path,
    ledger: OrphanRows,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    rows: Connection,
) -> None:
    """Else a lesson is published with captions that no player can load."""
    storage = LastLook(tmp_path)
    shelf = Shelf(storage, ledger, own_catalogue, own_lessons)
    video = shelf.lesson("kept")
    transcript = own_lessons.transcript(video, transcript_for(video, SENTENCES).id)

    def caption() -> CaptionTrack:
        return caption_lesson(
            transcript, video, storage=storage, store=own_lessons
        ).track

    # They were made for another lesson, which is gone.
    wanted = caption().storage_key
    rows.execute("delete from caption_tracks where storage_key = %s", [wanted])
    storage.happens = caption
    assert shelf.collect().survey.as_plain()["captions_orphans"] == 1
    assert ledger.named([wanted]) == {wanted}
    assert wanted in shelf.stored()


def test_writes_that_never_ended_go_after_their_grace(
    any_storage: Storage, shelf: Shelf, own_bucket_write: Callable[[str], None]
) -> None:
    """Else what a crash has left fills the disk, and no listing shows it."""
    own_bucket_write("uploads/2026-11-01/ada@x.org/lesson.mp4")
    assert shelf.collect(days=6).discarded == 0
    assert len(any_storage.unfinished_writes(9)) == 1
    assert shelf.survey().unfinished == 1
    assert shelf.collect().discarded == 1
    assert any_storage.unfinished_writes(9) == []


@pytest.fixture
def own_bucket_write(any_storage: Storage, seaweed: S3Server) -> Callable[[str], None]:
    """Begins a write under a key and never ends it."""

    def begin(key: str) -> None:
        if isinstance(any_storage, FolderStorage):
            path = any_storage.root / key
            path.parent.mkdir(parents=True)
            Path(path.with_name(f"{PARTIAL_PREFIX}left")).write_bytes(b"half")
            return
        client = seaweed.client()
        bucket, _, prefix = any_storage.address.removeprefix("s3://").partition("/")
        client.create_multipart_upload(Bucket=bucket, Key=f"{prefix}/{key}")
        client.close()

    return begin


def test_names_are_looked_up_by_index(rows: Connection) -> None:
    """Else a night with a million objects reads every video a thousand times."""
    rows.execute("set enable_seqscan = off")
    keys = {"keys": ["audio/a", "captions/a"]}
    found = rows.execute(b"explain " + SELECT_NAMED.encode(), keys)
    plan = "\n".join(str(line) for (line,) in found)
    assert "Seq Scan" not in plan
    assert "idx_caption_tracks_storage_key" in plan
    assert "idx_videos_audio_key" in plan


class CountingRows(OrphanRows):
    """A ledger that remembers for how many creators it was asked at once."""

    asked: list[int]

    def known_creators(self, creator_ids: Collection[UUID]) -> set[UUID]:
        """What the rows say."""
        self.asked.append(len(creator_ids))
        return super().known_creators(creator_ids)


def test_reports_of_many_creators_are_read_page_by_page(
    own_database: Database, rows: Connection
) -> None:
    """Else a year of reports fills the memory of the night that looks for a few."""
    assert rows.info.dbname
    storage, ledger = FakeStorage(), CountingRows(own_database)
    ledger.asked = []
    creators = [uuid4() for _ in range(PAGE_KEYS + 10)]
    for day in ("2026-11-01", "2026-11-02"):
        for creator_id in creators:
            storage.add(f"reports/metrics/{day}/{creator_id}.{'a' * 64}.html")
    kind = needless_reports(storage, ledger, later())
    assert (kind.objects, kind.orphans) == (2 * len(creators), 2 * len(creators))
    assert sum(ledger.asked) == len(creators)
    assert max(ledger.asked) <= PAGE_KEYS


def test_vectors_that_no_chunk_uses_go_and_no_other(
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
    ledger: OrphanRows,
    rows: Connection,
) -> None:
    """Else the index of vectors grows with every correction, or a lesson loses its."""
    video, _, chunks, _ = stored_lesson(own_catalogue, own_lessons)
    assert len(chunks) > 1
    rows.execute(
        "update videos set processing_status = 'completed', processed_at = now(),"
        " published_transcript_id = staged_transcript_id"
    )
    rows.execute(
        "delete from transcript_chunks where video_id = %(id)s and chunk_index = 0",
        {"id": video.id},
    )
    assert collect_vectors(ledger, now=later(6), grace=GRACE) == 0
    assert ledger.vector_use(later()) == VectorUse(len(chunks), 1)
    assert collect_vectors(ledger, now=later(), grace=GRACE) == 1
    assert ledger.vector_use(later()) == VectorUse(len(chunks) - 1, 0)


def test_vectors_are_kept_when_the_chunks_seem_lost() -> None:
    """Else a table that was emptied by mistake costs all the embeddings, too."""

    class Lost:
        """A ledger without chunks."""

        deleted = 0

        def vector_use(self, before: datetime) -> VectorUse:
            """Most are unused."""
            assert before
            return VectorUse(3000, 1501)

        def delete_unused_vectors(self, before: datetime, limit: int) -> int:
            """How often it was asked."""
            assert before
            assert limit
            self.deleted += 1
            return 1

    lost = Lost()
    with pytest.raises(PermanentError, match="1501 of 3000"):
        collect_vectors(lost, now=later(), grace=GRACE)
    assert lost.deleted == 0
    assert collect_vectors(lost, now=later(), grace=GRACE, past_guard=True) == 1


def test_a_stranger_is_never_named(ledger: OrphanRows) -> None:
    """Else a key that only looks like one of ours is kept for ever."""
    assert ledger.named([]) == set()
    assert ledger.named([f"audio/{uuid4()}"]) == set()
