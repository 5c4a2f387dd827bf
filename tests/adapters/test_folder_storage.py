import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.errors import InvalidInput, NotFound, TransientError
from tests.storage_calls import BrokenStream, listed, put, read

AWKWARD = ["a", "a-b", "a/b", "a0", "a b", "a/b-c", "a/b/c.mp4", "b", "ä/é", "z/日本"]
"""Names whose order differs when a folder sorts without the slash behind it."""


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    """An empty storage."""
    (tmp_path / "storage").mkdir()
    return FolderStorage(tmp_path / "storage")


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


def test_a_file_dated_in_the_future_is_as_old_as_its_copy(
    storage: FolderStorage,
) -> None:
    """Else each deletion of such a lesson is undone: its file seems to come after."""
    put(storage, "a")
    then = time.time() + 3 * 3600
    os.utime(storage.root / "a", (then, then))
    found = storage.stat("a")
    assert found is not None
    assert found.modified < datetime.now(UTC)


def test_a_put_leaves_one_file_however_it_ends(storage: FolderStorage) -> None:
    """Else what was begun and never ended fills the disk."""
    put(storage, "uploads/a", b"old")
    with pytest.raises(TransientError):
        storage.put("uploads/a", BrokenStream(b"new and half"))
    folder = storage.root / "uploads"
    assert [path.name for path in folder.iterdir()] == ["a"]
    contents = [bytes([number]) * 200_000 for number in range(8)]
    with ThreadPoolExecutor(len(contents)) as threads:
        list(threads.map(partial(put, storage, "uploads/a"), contents))
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_a_folder_that_is_not_there_is_empty(storage: FolderStorage) -> None:
    """Else a machine without an upload fails instead of waiting for one."""
    assert listed(FolderStorage(storage.root / "missing")) == []


def test_a_listing_is_in_the_order_of_the_keys(storage: FolderStorage) -> None:
    """Else a cursor jumps over uploads, which are then lost."""
    kept = fill(storage, [key for key in AWKWARD if key not in ("a", "a/b")])
    assert listed(storage) == kept
    assert kept.index("a-b") < kept.index("a/b-c") < kept.index("a0")


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
