import io
import os
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.errors import InvalidInput, NotFound, TransientError
from tests.fix_object_stores import TICK_S

AWKWARD = ["a", "a-b", "a/b", "a0", "a b", "a/b-c", "a/b/c.mp4", "b", "ä/é", "z/日本"]
"""Names whose order differs when a folder sorts without the slash behind it."""


class BrokenStream(io.BytesIO):
    """A stream that ends in an error after its first block."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The bytes once, then an error."""
        block = super().read(size)
        if not block:
            raise OSError("the connection broke")
        return block


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    """An empty storage."""
    (tmp_path / "storage").mkdir()
    return FolderStorage(tmp_path / "storage")


def put(storage: FolderStorage, key: str, content: bytes = b"x") -> None:
    """Store some bytes."""
    storage.put(key, io.BytesIO(content))


def read(storage: FolderStorage, key: str) -> bytes:
    """All bytes under a key."""
    with storage.open(key) as stream:
        return stream.read()


def listed(
    storage: FolderStorage, prefix: str = "", after: str = "", limit: int = 1000
) -> list[str]:
    """The keys of a listing."""
    return [at.key for at in storage.list(prefix, after=after, limit=limit)]


def fill(storage: FolderStorage, keys: Sequence[str]) -> list[str]:
    """Store what a folder has room for; returns those keys in order."""
    kept = []
    for key in keys:
        try:
            put(storage, key)
        except InvalidInput:
            continue
        kept.append(key)
    return sorted(kept)


def test_what_was_put_is_read_back(storage: FolderStorage) -> None:
    """Else a lesson's sound is not the one that was decoded."""
    stored = storage.put("audio/a.flac", io.BytesIO(b"sound"))
    assert (stored.key, stored.size) == ("audio/a.flac", 5)
    assert storage.stat("audio/a.flac") == stored
    assert read(storage, "audio/a.flac") == b"sound"
    with storage.local("audio/a.flac") as path:
        assert path.read_bytes() == b"sound"


def test_other_bytes_of_the_same_length_have_another_etag(
    storage: FolderStorage,
) -> None:
    """Else a replaced video is never processed."""
    one = storage.put("a", io.BytesIO(b"one"))
    time.sleep(TICK_S)
    two = storage.put("a", io.BytesIO(b"two"))
    assert one.etag != two.etag


def test_a_file_dated_in_the_future_is_as_old_as_its_copy(
    storage: FolderStorage,
) -> None:
    """Else each deletion of such a lesson is undone: its file seems to come after."""
    storage.put("a", io.BytesIO(b"x"))
    then = time.time() + 3 * 3600
    os.utime(storage.root / "a", (then, then))
    found = storage.stat("a")
    assert found is not None
    assert found.modified < datetime.now(UTC)


def test_a_stream_that_breaks_leaves_the_old_bytes(storage: FolderStorage) -> None:
    """Else an upload that was cut off destroys the one before it."""
    put(storage, "uploads/a", b"old")
    with pytest.raises(TransientError):
        storage.put("uploads/a", BrokenStream(b"new and half"))
    assert read(storage, "uploads/a") == b"old"
    assert [path.name for path in (storage.root / "uploads").iterdir()] == ["a"]


def test_a_reader_never_sees_a_part_of_a_put(storage: FolderStorage) -> None:
    """Else half a video is processed."""
    seen: list[list[str]] = []

    class Watched(io.BytesIO):
        """A stream that looks at the storage while it is stored."""

        def read(self, size: int | None = -1, /) -> bytes:
            """The bytes; remembers what a reader would see."""
            seen.append([*listed(storage), str(storage.stat("uploads/a"))])
            return super().read(size)

    storage.put("uploads/a", Watched(b"new"))
    assert seen
    assert all(look == ["None"] for look in seen)


def test_puts_at_the_same_time_end_as_one_of_them(storage: FolderStorage) -> None:
    """Else two workers mix their bytes into one file."""
    contents = [bytes([number]) * 200_000 for number in range(8)]
    gate = threading.Barrier(len(contents))

    def store(content: bytes) -> None:
        gate.wait()
        put(storage, "captions/a", content)

    threads = [threading.Thread(target=store, args=(c,)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(storage, "captions/a") in contents
    assert len(list((storage.root / "captions").iterdir())) == 1


def test_a_listing_is_in_the_order_of_the_keys(storage: FolderStorage) -> None:
    """Else a cursor jumps over uploads, which are then lost."""
    kept = fill(storage, [key for key in AWKWARD if key not in ("a", "a/b")])
    assert listed(storage) == kept
    assert kept.index("a-b") < kept.index("a/b-c") < kept.index("a0")


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_page_goes_on_where_the_one_before_stopped(
    storage: FolderStorage, limit: int
) -> None:
    """Else the rest of a folder that a page has begun is never seen."""
    kept = fill(storage, ["a-b", "a/b", "a/c/d", "a/c/e", "a/f", "a0", "b"])
    pages: list[str] = []
    while page := listed(storage, "", pages[-1] if pages else "", limit):
        pages += page
    assert pages == kept


parts = st.text("a-0./é ", min_size=1, max_size=6)


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(parts, max_size=8), st.integers(1, 4), st.sampled_from(["", "a", "a/"]))
def test_pages_are_the_whole_listing(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], limit: int, prefix: str
) -> None:
    """Else some uploads lie between two pages and are never seen."""
    storage = FolderStorage(tmp_path_factory.mktemp("pages"))
    kept = sorted({key for key in fill(storage, keys) if key.startswith(prefix)})
    pages: list[str] = []
    while page := listed(storage, prefix, pages[-1] if pages else "", limit):
        assert len(page) <= limit
        pages += page
    assert pages == kept
    for after in keys:
        assert listed(storage, prefix, after) == [key for key in kept if key > after]


def test_links_and_hidden_files_are_no_objects(
    storage: FolderStorage, tmp_path: Path
) -> None:
    """Else a link in the uploads folder publishes any file of the machine."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    put(storage, "uploads/a")
    uploads = storage.root / "uploads"
    (uploads / "file").symlink_to(outside / "secret")
    (uploads / "folder").symlink_to(outside, target_is_directory=True)
    (uploads / ".hidden").write_text("hidden")
    (uploads / ".folder").mkdir()
    (uploads / ".folder" / "a").write_text("hidden")
    os.mkfifo(uploads / "pipe")
    assert listed(storage) == ["uploads/a"]
    for key in ("uploads/file", "uploads/folder/secret", "uploads/pipe", "uploads"):
        assert storage.stat(key) is None
        with pytest.raises(NotFound), storage.open(key):
            pass
    with pytest.raises(InvalidInput):
        put(storage, "uploads/folder/secret", b"overwritten")
    assert (outside / "secret").read_text() == "secret"


def test_a_link_is_replaced_and_not_followed(
    storage: FolderStorage, tmp_path: Path
) -> None:
    """Else a put overwrites a file outside the storage."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (storage.root / "a").symlink_to(secret)
    put(storage, "a", b"mine")
    assert (secret.read_text(), read(storage, "a")) == ("secret", b"mine")


def test_a_root_behind_a_link_works(storage: FolderStorage, tmp_path: Path) -> None:
    """Else a storage on a mounted disk looks empty."""
    (tmp_path / "link").symlink_to(storage.root, target_is_directory=True)
    put(FolderStorage(tmp_path / "link"), "uploads/a", b"x")
    assert read(storage, "uploads/a") == b"x"


@pytest.mark.parametrize("key", ["../a", "uploads/../../a", "/etc/passwd", "", "a//b"])
def test_a_key_that_leaves_the_folder_is_refused(
    storage: FolderStorage, key: str
) -> None:
    """Else a name chosen by a creator reads or writes any file of the machine."""
    with pytest.raises(InvalidInput):
        storage.stat(key)
    with pytest.raises(InvalidInput):
        put(storage, key)
    with pytest.raises(InvalidInput), storage.open(key):
        pass
    with pytest.raises(InvalidInput), storage.local(key):
        pass
    assert list(storage.root.iterdir()) == []


@pytest.mark.parametrize("key", ["a/b", "uploads", "n" * 300, "n" * 300 + "/a"])
def test_a_key_without_a_place_in_a_folder_is_not_tried_again(
    storage: FolderStorage, key: str
) -> None:
    """Else an upload that can never be stored is retried, or fails as our fault."""
    put(storage, "a")
    put(storage, "uploads/a")
    assert storage.stat(key) is None
    with pytest.raises(InvalidInput):
        put(storage, key)
    assert listed(storage) == ["a", "uploads/a"]


def test_what_is_not_there_is_not_found(storage: FolderStorage) -> None:
    """Else a deleted upload is retried instead of refused."""
    opened: list[BinaryIO] = []
    assert storage.stat("uploads/a") is None
    with pytest.raises(NotFound), storage.open("uploads/a") as stream:
        opened.append(stream)
    with pytest.raises(NotFound), storage.local("uploads/a"):
        pass
    assert listed(FolderStorage(storage.root / "missing")) == []
