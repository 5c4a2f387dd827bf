"""Object storage in a folder of this machine.

Here belong files and their names. Not here: the grammar of keys (`domain/storage`).
"""

import builtins
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mentora_pipelines.domain.storage import (
    StoredObject,
    UnfinishedWrite,
    checked_key,
    shown_key,
)
from mentora_pipelines.errors import (
    InvalidInput,
    NotFound,
    ObjectChanged,
    TransientError,
)
from mentora_pipelines.observability.timers import measured

PARTIAL_PREFIX = ".partial-"
"""Names of files that `put` has not finished; no key can begin like this."""


_NO_PLACE = frozenset((errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG))
"""A bucket has room for `a` beside `a/b` and for names of 1,024 bytes; a folder has
not, and trying again does not help."""


class FolderStorage:
    """Satisfies `ObjectStorage`, `StorageKeeper`: each object is a file below `root`.

    Files that people copy in are objects too. Hidden files, symbolic links and
    whatever else is not a regular file are not.
    """

    settle_s = 15.0
    """A copy into the folder may stall: on a slow line, or with a busy disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return str(self.root)

    def stat(self, key: str) -> StoredObject | None:
        """The object under `key`, or None."""
        path = self._path(key)
        return None if self._is_linked(path) else _stored(key, path)

    @contextmanager
    def open(self, key: str, *, etag: str | None = None) -> Iterator[BinaryIO]:
        """Read the object as a stream; raises `NotFound`, `ObjectChanged`."""
        with self.local(key, etag=etag) as path:
            with _translated(key):
                stream = path.open("rb")
            with stream:
                yield stream

    @contextmanager
    def local(self, key: str, *, etag: str | None = None) -> Iterator[Path]:
        """The object as a file to read; raises `NotFound`, `ObjectChanged`.

        With an `etag` it is looked at again when the reader is done, or has failed:
        somebody may have written into the file meanwhile.
        """
        found = self.stat(key)
        if found is None:
            raise NotFound(f"storage holds nothing under {shown_key(key)}")
        _check_is(etag, key, found)
        try:
            yield self._path(key)
        finally:
            if etag is not None:
                _check_is(etag, key, self.stat(key))

    @measured("storage")
    def put(self, key: str, content: BinaryIO) -> StoredObject:
        """Store the stream under `key`; a reader sees the old bytes or all the new."""
        path = self._path(key)
        if self._is_linked(path):
            raise InvalidInput(
                f"storage key {shown_key(key)} leads through a symbolic link"
            )
        with _translated(key):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{PARTIAL_PREFIX}{os.urandom(8).hex()}")
            try:
                with partial.open("xb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        stored = _stored(key, path)
        if stored is None:
            raise TransientError(f"{shown_key(key)} vanished while it was stored")
        return stored

    def list(self, prefix: str, *, after: str = "", limit: int) -> list[StoredObject]:
        """At most `limit` objects under `prefix` with a key above `after`, by key."""
        found: list[StoredObject] = []
        for key, path in self._keys(self.root, "", prefix, after):
            stored = _stored(key, path)
            if stored is not None:
                found.append(stored)
            if len(found) == limit:
                break
        return found

    def delete(self, key: str, *, etag: str | None = None) -> None:
        """Remove the object, if it is there; raises `ObjectChanged`."""
        found = self.stat(key)
        if found is None:
            return
        _check_is(etag, key, found)
        # Its folder stays: somebody may be about to write into it.
        with _translated(key):
            self._path(key).unlink(missing_ok=True)

    def unfinished_writes(self, limit: int) -> builtins.list[UnfinishedWrite]:
        """Files that `put` has not finished, at most `limit`."""
        found: builtins.list[UnfinishedWrite] = []
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = Path(folder) / name
                if not name.startswith(PARTIAL_PREFIX) or path.is_symlink():
                    continue
                try:
                    started = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                except OSError:
                    continue  # finished meanwhile
                place = str(path.relative_to(self.root))
                found.append(UnfinishedWrite(place, place, started))
                if len(found) == limit:
                    return found
        return found

    def discard(self, write: UnfinishedWrite) -> None:
        """Remove such a file, if it is there."""
        with _translated(write.key):
            (self.root / write.token).unlink(missing_ok=True)

    def check(self) -> str:
        """Write and delete a file; a sentence about the folder."""
        partial = self.root / f"{PARTIAL_PREFIX}probe"
        with _translated(partial.name):
            partial.write_bytes(b"probe")
            partial.unlink()
        has_uploads = bool(self.list("uploads/", limit=1))
        return f"{self.root}, {'has' if has_uploads else 'no'} uploads"

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*checked_key(key).split("/"))

    def _is_linked(self, path: Path) -> bool:
        """Whether a folder between the root and `path` is a symbolic link."""
        below = path.parents[: len(path.relative_to(self.root).parts) - 1]
        try:
            return any(folder.is_symlink() for folder in below)
        except OSError:
            # What cannot be looked at fails where it is used, with its own reason.
            return False

    def _keys(
        self, folder: Path, base: str, prefix: str, after: str
    ) -> Iterator[tuple[str, Path]]:
        """Keys in order, going only into folders that can hold a wanted one."""
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            return
        except OSError as error:
            raise TransientError(f"storage folder: {error.strerror}") from error
        # A folder sorts as its keys do: with the slash that follows its name.
        for name, entry in sorted(
            (
                f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name,
                entry,
            )
            for entry in entries
            if not entry.name.startswith(".")
        ):
            key = base + name
            if not (key.startswith(prefix) or prefix.startswith(key)):
                continue
            if name.endswith("/"):
                if key > after or after.startswith(key):
                    yield from self._keys(Path(entry.path), key, prefix, after)
            elif key > after and key.startswith(prefix):
                yield key, Path(entry.path)


def _check_is(etag: str | None, key: str, found: StoredObject | None) -> None:
    if etag is not None and (found is None or found.etag != etag):
        raise ObjectChanged(f"{shown_key(key)} holds other bytes by now")


def _stored(key: str, path: Path) -> StoredObject | None:
    try:
        facts = path.lstat()
    except OSError as error:
        if error.errno == errno.ENOENT or error.errno in _NO_PLACE:
            return None
        raise TransientError(
            f"storage: {error.strerror} at {shown_key(key)}"
        ) from error
    if not stat.S_ISREG(facts.st_mode):
        return None
    # A copy may bear a date of a machine whose clock is wrong, or keep the old one
    # (`cp -p`, `rsync -a`); it has landed here by our clock. A change of owner or
    # rights counts as a landing too: a file tells no difference.
    landed = datetime.fromtimestamp(facts.st_ctime, UTC)
    return StoredObject(
        key=key,
        # Size and time: a folder knows no hash without reading every byte.
        etag=f"{facts.st_size:x}-{facts.st_mtime_ns:x}",
        size=facts.st_size,
        modified=min(datetime.fromtimestamp(facts.st_mtime, UTC), landed),
        landed=landed,
    )


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"storage holds nothing under {shown_key(key)}") from None
    except OSError as error:
        if error.errno in _NO_PLACE:
            raise InvalidInput(f"a folder has no place for {shown_key(key)}") from error
        raise TransientError(
            f"storage: {error.strerror} at {shown_key(key)}"
        ) from error
