"""The contract of object storage: on a folder, on SeaweedFS and on moto."""

import io
import threading
import time
from collections.abc import Callable

import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.errors import (
    InvalidInput,
    NotFound,
    ObjectChanged,
    TransientError,
)
from tests.fix_object_stores import TICK_S
from tests.storage_calls import BrokenStream, listed, put, read

Storage = FolderStorage | S3Storage

ADA = "uploads/2026-11-23/ada@x.org/"
BOB = "uploads/2026-11-23/bob@x.org/"

LONG_NAME = "n" * 200 + ".mp4"


def test_what_was_put_is_read_back(any_storage: Storage) -> None:
    """Else a lesson's sound is not the one that was decoded."""
    stored = any_storage.put("audio/a.flac", io.BytesIO(b"sound"))
    assert (stored.key, stored.size) == ("audio/a.flac", 5)
    assert any_storage.stat("audio/a.flac") == stored
    assert any_storage.list("audio/", limit=2)[0].etag == stored.etag
    assert read(any_storage, "audio/a.flac") == b"sound"
    with any_storage.local("audio/a.flac") as path:
        assert path.read_bytes() == b"sound"
        assert path.is_file()


def test_an_empty_object_is_an_object(any_storage: Storage) -> None:
    """Else an empty upload is a fault of ours, and its creator hears nothing."""
    assert any_storage.put("a", io.BytesIO(b"")).size == 0
    assert read(any_storage, "a") == b""


def test_a_stream_is_read_in_pieces_of_any_size(any_storage: Storage) -> None:
    """Else a reader that asks for little gets all of a video at once."""
    content = bytes(range(256)) * 5000
    put(any_storage, "a", content)
    with any_storage.open("a") as stream:
        assert stream.read(3) == content[:3]
        assert stream.read(2_000_000) == content[3:]
        assert stream.read(1) == b""


def test_other_bytes_have_another_etag_and_the_same_key(any_storage: Storage) -> None:
    """Else a replaced video is never processed."""
    one = any_storage.put("a", io.BytesIO(b"one"))
    time.sleep(TICK_S)
    two = any_storage.put("a", io.BytesIO(b"two"))
    assert one.etag != two.etag
    assert listed(any_storage) == ["a"]


def test_who_asks_for_replaced_bytes_is_told(any_storage: Storage) -> None:
    """Else the hash of new bytes is recorded as that of the old ones."""
    old = any_storage.put("a", io.BytesIO(b"old"))
    with any_storage.open("a", etag=old.etag) as stream:
        assert stream.read() == b"old"
    put(any_storage, "a", b"new, longer")
    with pytest.raises(ObjectChanged), any_storage.open("a", etag=old.etag):
        pass
    with pytest.raises(ObjectChanged), any_storage.local("a", etag=old.etag):
        pass


def test_a_stream_that_breaks_leaves_the_old_bytes(any_storage: Storage) -> None:
    """Else an upload that was cut off destroys the one before it."""
    put(any_storage, "uploads/a", b"old")
    with pytest.raises(TransientError):
        any_storage.put("uploads/a", BrokenStream(b"new and half"))
    assert read(any_storage, "uploads/a") == b"old"
    assert any_storage.unfinished_writes(10) == []


def test_a_reader_never_sees_a_part_of_a_put(any_storage: Storage) -> None:
    """Else half a video is processed."""
    seen: list[list[str]] = []

    class Watched(io.BytesIO):
        """A stream that looks at the storage while it is stored."""

        def read(self, size: int | None = -1, /) -> bytes:
            """The bytes; remembers what a reader would see."""
            seen.append([*listed(any_storage), str(any_storage.stat("uploads/a"))])
            return super().read(size)

    any_storage.put("uploads/a", Watched(b"new"))
    assert seen
    assert all(look == ["None"] for look in seen)


def test_puts_at_the_same_time_end_as_one_of_them(any_storage: Storage) -> None:
    """Else two workers mix their bytes into one object."""
    contents = [bytes([number]) * 200_000 for number in range(6)]
    gate = threading.Barrier(len(contents))
    ended: list[str] = []

    def store(content: bytes) -> None:
        gate.wait()
        put(any_storage, "captions/a", content)
        ended.append("stored")

    threads = [threading.Thread(target=store, args=(c,)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(any_storage, "captions/a") in contents
    assert len(ended) == len(contents)
    assert listed(any_storage) == ["captions/a"]


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_a_page_goes_on_where_the_one_before_stopped(
    any_storage: Storage, limit: int
) -> None:
    """Else uploads between two pages are never seen."""
    kept = [
        f"uploads/{day}/{creator}/{number}.mp4"
        for day in ("2026-11-22", "2026-11-23")
        for creator in ("ada@x.org", "bob@x.org", "ünal@x.org")
        for number in (1, 2)
    ]
    for key in (*kept, "audio/a.flac", "uploads-of-others/a"):
        put(any_storage, key)
    pages: list[str] = []
    while page := listed(any_storage, "uploads/", pages[-1] if pages else "", limit):
        assert len(page) <= limit
        pages += page
    assert pages == kept
    # From the name of a day on, whether or not anything has that name.
    assert listed(any_storage, "uploads/", "uploads/2026-11-23/") == kept[6:]
    assert listed(any_storage, "uploads/", "uploads/2026-11-22/z/") == kept[4:]
    assert listed(any_storage, "uploads/", "uploads/9") == []


@pytest.mark.parametrize(
    "name",
    [
        "a.mp4", "a b+c%20d.mp4", "a%2F..%2F..%2Fbob@x.org%2Fa.mp4", "%2e%2e%2fa.mp4",
        "a?b=c&d#e;f.mp4", "lecture.mp4 ", "%00", "%", "+",
        "lección–日本.mp4", "\uff0e\uff0e\uff0fbob.mp4",
        "a:b*c|d'e\"f<g>.mp4", LONG_NAME,
    ],
)  # fmt: skip
def test_a_hostile_name_stays_with_its_creator(any_storage: Storage, name: str) -> None:
    """Else a creator reads or replaces another one's lesson by the name of a file."""
    key = ADA + name
    put(any_storage, BOB + "a.mp4", b"bob's")
    put(any_storage, key, b"ada's")
    assert parse_upload_key(key).creator == "ada@x.org"
    assert listed(any_storage, ADA) == [key]
    assert listed(any_storage, BOB) == [BOB + "a.mp4"]
    assert listed(any_storage, "", after=BOB) == [BOB + "a.mp4"]
    assert (read(any_storage, key), read(any_storage, BOB + "a.mp4")) == (
        b"ada's",
        b"bob's",
    )
    any_storage.delete(key)
    assert listed(any_storage) == [BOB + "a.mp4"]


@pytest.mark.parametrize(
    "key",
    [
        ADA + "../bob@x.org/a.mp4", ADA + "../../../a", ADA + "/a.mp4", ADA, "/a", "",
        ADA + "a\\..\\b", ADA + "a\x00b", ADA + "a\nb", ADA + ".", "..", "n" * 1025,
        ADA + "..%2Fbob@x.org%2Fa.mp4", ADA + "a//b",
        ADA + "e\u0301.mp4", ADA + "\ud800",
    ],
)  # fmt: skip
def test_a_key_outside_the_grammar_reaches_no_store(
    any_storage: Storage, key: str
) -> None:
    """Else a name chosen by a creator reads or writes what is not theirs."""
    for refused in (
        lambda: any_storage.stat(key),
        lambda: put(any_storage, key),
        lambda: any_storage.delete(key),
        lambda: read(any_storage, key),
    ):
        with pytest.raises(InvalidInput):
            refused()
    assert listed(any_storage) == []


def test_a_key_of_1_kb_is_stored_whole_or_refused(any_storage: Storage) -> None:
    """Else a long name is cut, and lands on another object."""
    # Behind the prefix of the bucket.
    key = ADA + "n" * (1000 - len(ADA))
    try:
        put(any_storage, key)
    except InvalidInput:
        assert listed(any_storage) == []
    else:
        assert listed(any_storage) == [key]


def test_what_is_not_there_is_not_found(any_storage: Storage) -> None:
    """Else a deleted upload is retried instead of refused."""
    assert any_storage.stat("uploads/a") is None
    with pytest.raises(NotFound), any_storage.open("uploads/a"):
        pass
    with pytest.raises(NotFound), any_storage.local("uploads/a"):
        pass
    any_storage.delete("uploads/a")
    assert listed(any_storage) == []


def test_only_the_bytes_that_were_meant_are_deleted(any_storage: Storage) -> None:
    """Else the collector removes what a creator has just uploaded again."""
    old = any_storage.put("a", io.BytesIO(b"old"))
    put(any_storage, "a", b"new, longer")
    with pytest.raises(ObjectChanged):
        any_storage.delete("a", etag=old.etag)
    found = any_storage.stat("a")
    assert found is not None
    any_storage.delete("a", etag=found.etag)
    assert any_storage.stat("a") is None


def test_a_storage_tells_the_doctor_what_it_is(any_storage: Storage) -> None:
    """Else an operator cannot tell which bucket the lessons went to."""
    assert any_storage.check().startswith(any_storage.address)
    assert any_storage.check().endswith("no uploads")
    put(any_storage, ADA + "a.mp4")
    assert any_storage.check().endswith("has uploads")
    assert listed(any_storage) == [ADA + "a.mp4"]


def test_two_storages_of_one_bucket_do_not_meet(
    any_storage: Storage, new_prefix: Callable[[], str]
) -> None:
    """Else staging processes the uploads of production."""
    assert new_prefix() != new_prefix()
    put(any_storage, "uploads/a")
    assert listed(any_storage) == ["uploads/a"]
