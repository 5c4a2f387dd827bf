"""Object storage: where uploads, audio, captions and reports lie.

Here belong the port, the shape of a stored object and the grammar of keys. Not
here: folders, buckets or any storage SDK (see `adapters/`).
"""

import re
import unicodedata
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from mentora_pipelines.errors import InvalidInput

MAX_KEY_BYTES = 1024
"""S3's limit on the length of a key."""

_ADDRESS = re.compile(r"[^/\s]+@[^/\s]+")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a listing tells of an object: its key, not its bytes.

    `etag` changes whenever the bytes may have changed; `size` is in bytes.
    """

    key: str
    etag: str
    size: int
    modified: datetime


@runtime_checkable
class ObjectStorage(Protocol):
    """A flat store of named byte streams, sorted by key.

    Every method raises `InvalidInput` for a key outside the grammar and
    `TransientError` when the store does not answer.
    """

    def stat(self, key: str) -> StoredObject | None:
        """The object under `key`, or None."""
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Read the object as a stream; raises `NotFound`."""
        ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """The object as a file to read while the context is open; raises `NotFound`."""
        ...

    def put(self, key: str, content: BinaryIO) -> StoredObject:
        """Store the stream under `key`; a reader sees the old bytes or all the new."""
        ...

    def list(self, prefix: str, *, after: str = "", limit: int) -> list[StoredObject]:
        """At most `limit` objects under `prefix` with a key above `after`, by key."""
        ...


def shown_key(key: str) -> str:
    """The key for a message: without the mail address that may stand in it."""
    return repr(_ADDRESS.sub("…@…", key[:120]))


def checked_key(key: str) -> str:
    """`key` itself when it obeys the grammar of keys.

    A key is one or more non-empty parts joined by `/`; no part is `.` or `..`,
    begins with a dot, or holds a control character or a backslash; the whole is
    NFC-normalised and at most 1,024 bytes long. Raises `InvalidInput`.
    """
    if not key or len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise InvalidInput(
            f"a storage key has 1 to {MAX_KEY_BYTES} bytes: {shown_key(key)}"
        )
    try:
        key.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"a storage key must be valid Unicode: {shown_key(key)}"
        ) from None
    if unicodedata.normalize("NFC", key) != key:
        raise InvalidInput(
            f"a storage key must be NFC-normalised Unicode: {shown_key(key)}"
        )
    for part in key.split("/"):
        if not part or part.startswith(".") or _FORBIDDEN.search(part):
            raise InvalidInput(
                f"storage key {shown_key(key)} holds an empty, hidden or forbidden "
                f"part {shown_key(part)}"
            )
    return key
