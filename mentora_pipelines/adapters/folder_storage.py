"""Object storage in a folder of this machine.

Here belong files and their names. Not here: the grammar of keys (`domain/storage`).
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mentora_pipelines.domain.storage import StoredObject, checked_key, shown_key
from mentora_pipelines.errors import InvalidInput, NotFound, TransientError

PARTIAL_PREFIX = ".partial-"
"""Names of files that `put` has not finished; no key can begin like this."""


_NO_PLACE = frozenset((errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG))
"""A bucket has room for `a` beside `a/b` and for names of 1,024 bytes; a folder has
not, and trying again does not help."""


class FolderStorage:
    """Satisfies `ObjectStorage`: each object is a file below `root`.

    Files that people copy in are objects too. Hidden files, symbolic links and
    whatever else is not a regular file are not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def stat(self, key: str) -> StoredObject | None:
        """The object under `key`, or None."""
        path = self._path(key)
        return None if self._is_linked(path) else _stored(key, path)

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """Read the object as a stream; raises `NotFound`."""
        with self.local(key) as path:
            with _translated(key):
                stream = path.open("rb")
            with stream:
                yield stream

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """The object as a file to read; raises `NotFound`."""
        if self.stat(key) is None:
            raise NotFound(f"storage holds nothing under {shown_key(key)}")
        yield self._path(key)

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
    return StoredObject(
        key=key,
        # Size and time: a folder knows no hash without reading every byte.
        etag=f"{facts.st_size:x}-{facts.st_mtime_ns:x}",
        size=facts.st_size,
        modified=datetime.fromtimestamp(facts.st_mtime, UTC),
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
