"""Object storage: where uploads, audio, captions and reports lie.

Here belong the ports, the shape of a stored object, the grammar of keys and what a
reader over HTTP is told about an object. Not here: folders, buckets or any storage
SDK (see `adapters/`).
"""

import re
import unicodedata
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, runtime_checkable

from mentora_pipelines.errors import InvalidInput

MAX_KEY_BYTES = 1024
"""S3's limit on the length of a key."""

LINK_LIFETIME_S = 3600
"""Long enough for an upload over a slow line, and of little use to a thief."""

_ADDRESS = re.compile(r"[^/\s]+@[^/\s]+")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")

_TYPES = {
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "srt": "application/x-subrip",
    "ts": "video/mp2t",
    "vtt": "text/vtt; charset=utf-8",
    "wav": "audio/wav",
    "webm": "video/webm",
}
"""Of lessons and of what is made of them. No page or script is among them: a browser
that opens an upload must not run it."""

_UNKNOWN_TYPE = "binary/octet-stream"
"""S3's own; stores that guess a type from the name leave it alone."""

REPORTS_PREFIX = "reports/"
"""Where pages lie; no upload can: its key begins otherwise."""

_CONTENT_ADDRESSED = re.compile(
    r"(?:audio|captions|reports)/(?:.*[/.])?[0-9a-f]{64}[/.]"
)
"""Named by the SHA-256 of what is in it, or of what it was made of."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a listing tells of an object: its key, not its bytes.

    `etag` changes whenever the bytes may have changed; `size` is in bytes.
    """

    key: str
    etag: str
    size: int
    modified: datetime
    landed: datetime | None = None
    """When it came to lie here, of a store in which `modified` may be the date that a
    copy has kept."""

    @property
    def stored_at(self) -> datetime:
        """When these bytes were stored; copying the same ones again makes it later."""
        return self.landed or self.modified


@dataclass(frozen=True, slots=True)
class UnfinishedWrite:
    """What a write that never ended has left; `token` names it to its store."""

    key: str
    token: str
    started: datetime


@runtime_checkable
class ObjectStorage(Protocol):
    """A flat store of named byte streams, sorted by key.

    Every method raises `InvalidInput` for a key outside the grammar and
    `TransientError` when the store does not answer. Who gives an `etag` wants those
    bytes: `ObjectChanged` is raised when others are there, or come while they are read.
    """

    @property
    def settle_s(self) -> float:
        """How long an object may still be growing after it was changed, in seconds."""
        ...

    def stat(self, key: str) -> StoredObject | None:
        """The object under `key`, or None."""
        ...

    def open(
        self, key: str, *, etag: str | None = None
    ) -> AbstractContextManager[BinaryIO]:
        """Read the object as a stream; raises `NotFound`, `ObjectChanged`."""
        ...

    def local(
        self, key: str, *, etag: str | None = None
    ) -> AbstractContextManager[Path]:
        """The object as a file to read while the context is open.

        Raises `NotFound`, `ObjectChanged`.
        """
        ...

    def put(self, key: str, content: BinaryIO) -> StoredObject:
        """Store the stream under `key`; a reader sees the old bytes or all the new."""
        ...

    def list(self, prefix: str, *, after: str = "", limit: int) -> list[StoredObject]:
        """At most `limit` objects under `prefix` with a key above `after`, by key."""
        ...


@runtime_checkable
class StorageKeeper(ObjectStorage, Protocol):
    """What only the collector of orphans may do."""

    def delete(self, key: str, *, etag: str | None = None) -> None:
        """Remove the object, if it is there; raises `ObjectChanged`."""
        ...

    def unfinished_writes(self, limit: int) -> list[UnfinishedWrite]:
        """What writes that never ended, or have not yet, hold; at most `limit`."""
        ...

    def discard(self, write: UnfinishedWrite) -> None:
        """Remove what an unfinished write holds, if it is there."""
        ...


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """How a browser uploads one file.

    POST: a form with `fields`, then the field `file`. PUT: the file itself with
    `fields` as headers.
    """

    method: Literal["POST", "PUT"]
    url: str
    fields: Mapping[str, str]
    until: datetime


@runtime_checkable
class LinkSigner(Protocol):
    """Makes links that a browser may use without an account of ours."""

    def sign_upload(
        self, key: str, *, size: int, lifetime_s: int = LINK_LIFETIME_S
    ) -> SignedUpload:
        """Lets a browser upload `size` bytes under an upload's key, and nothing else.

        Raises `InvalidInput` for another kind of key, size or lifetime.
        """
        ...

    def sign_download(
        self,
        key: str,
        *,
        lifetime_s: int = LINK_LIFETIME_S,
        file_name: str | None = None,
    ) -> str:
        """A link to the object; with a `file_name` a browser saves it under that."""
        ...


def content_type_of(key: str) -> str:
    """The media type under which the object is handed out."""
    suffix = key.rpartition(".")[2].lower()
    if key.startswith(REPORTS_PREFIX) and suffix == "html":
        return "text/html; charset=utf-8"
    return _TYPES.get(suffix, _UNKNOWN_TYPE)


def cache_control_of(key: str) -> str:
    """How long a reader may keep the object (RFC 9111, RFC 8246).

    What is named by its contents never changes; everything else is asked for anew.
    Private: lessons are paid for, and no shared cache asks who may see them.
    """
    if _CONTENT_ADDRESSED.match(key):
        return "private, max-age=31536000, immutable"
    return "private, no-cache"


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
