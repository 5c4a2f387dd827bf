"""Object storage in a bucket.

Here belongs what the ports of `domain/storage` ask of one. Not here: signed links (see
`links`), or the grammar of keys (`domain/storage`).
"""

import builtins
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from mentora_pipelines.adapters.private_folder import disk_faults, private_folder
from mentora_pipelines.adapters.s3_storage.connection import Bucket
from mentora_pipelines.adapters.s3_storage.reading import ObjectStream
from mentora_pipelines.adapters.s3_storage.writing import write_object
from mentora_pipelines.domain.storage import (
    MAX_KEY_BYTES,
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
from mentora_pipelines.observability.timers import measured, timed

LISTED_AT_ONCE = 1000
"""The most that one request lists."""

BLOCK_BYTES = 1 << 20

PROBE_KEY = ".mentora-probe"
"""No key of ours begins with a dot."""


class S3Storage:
    """Satisfies `ObjectStorage` and `StorageKeeper`: each object is one of a bucket.

    Keys that end in `/`, by which consoles show empty folders, are no objects. Pages
    are in the order of the bucket: that of the keys' UTF-8 on S3 and R2; SeaweedFS
    sorts a folder before its neighbours' names, and pages go on in that order.
    """

    settle_s = 0.0
    """An object is there when it is whole."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._place = bucket.place

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return self._place.address

    def stat(self, key: str) -> StoredObject | None:
        """The object under `key`, or None."""
        name = self._name(key)
        try:
            found = self._bucket.ask(
                f"looking at {shown_key(key)}",
                lambda: self._bucket.client.head_object(
                    Bucket=self._place.bucket, Key=name
                ),
            )
        except NotFound:
            return None
        return _stored(key, found, found["ContentLength"])

    @contextmanager
    def open(self, key: str, *, etag: str | None = None) -> Iterator[BinaryIO]:
        """Read the object as a stream; raises `NotFound`, `ObjectChanged`."""
        self._name(key)
        stream = ObjectStream(self._bucket, key, etag)
        with io.BufferedReader(stream, BLOCK_BYTES) as buffered:
            yield buffered

    @contextmanager
    def local(self, key: str, *, etag: str | None = None) -> Iterator[Path]:
        """The object as a file to read; raises `NotFound`, `ObjectChanged`.

        Raises `TransientError` when the disk for temporary files has no room.
        """
        self._name(key)
        with (
            ObjectStream(self._bucket, key, etag) as stream,
            private_folder(stream.size) as folder,
        ):
            path = folder / "object"
            with timed("storage"), disk_faults(), path.open("xb") as file:
                shutil.copyfileobj(stream, file, BLOCK_BYTES)
            stream.close()
            yield path

    @measured("storage")
    def put(self, key: str, content: BinaryIO) -> StoredObject:
        """Store the stream under `key`; a reader sees the old bytes or all the new."""
        self._name(key)
        size = write_object(self._bucket, key, content)
        stored = self.stat(key)
        if stored is None:
            raise TransientError(f"{shown_key(key)} vanished while it was stored")
        if stored.size != size:
            raise TransientError(
                f"{shown_key(key)} was replaced while it was stored: {stored.size} "
                f"bytes instead of {size}"
            )
        return stored

    def list(self, prefix: str, *, after: str = "", limit: int) -> list[StoredObject]:
        """At most `limit` objects under `prefix` that come after `after`.

        One request for each thousand of them; nothing is remembered between calls.
        """
        found: builtins.list[StoredObject] = []
        place = {"StartAfter": self._place.prefix + after} if after else {}
        while len(found) < limit:
            asked = {
                "Bucket": self._place.bucket,
                "Prefix": self._place.prefix + prefix,
                "MaxKeys": min(limit - len(found), LISTED_AT_ONCE),
                **place,
            }
            page = self._page("listing", "list_objects_v2", asked)
            for entry in page.get("Contents", ()):
                key = str(entry["Key"]).removeprefix(self._place.prefix)
                if not key.endswith("/"):
                    found.append(_stored(key, entry, entry["Size"]))
            if not page.get("IsTruncated"):
                break
            place = {"ContinuationToken": page["NextContinuationToken"]}
        return found

    def delete(self, key: str, *, etag: str | None = None) -> None:
        """Remove the object, if it is there; raises `ObjectChanged`."""
        asked = {"Bucket": self._place.bucket, "Key": self._name(key)}
        if etag is not None and not self._place.is_r2:
            asked["IfMatch"] = f'"{etag}"'
        if etag is not None:
            # R2 deletes without conditions, and so do others.
            _check_is(etag, self.stat(key))
        try:
            self._bucket.ask(
                f"deleting {shown_key(key)}",
                lambda: self._bucket.client.delete_object(**asked),
            )
        except NotFound:
            return

    def unfinished_writes(self, limit: int) -> builtins.list[UnfinishedWrite]:
        """Multipart uploads that nobody has completed, at most `limit`."""
        found: builtins.list[UnfinishedWrite] = []
        place: dict[str, str] = {}
        while len(found) < limit:
            asked = {
                "Bucket": self._place.bucket,
                "Prefix": self._place.prefix,
                "MaxUploads": min(limit - len(found), LISTED_AT_ONCE),
                **place,
            }
            page = self._page(
                "listing unfinished writes", "list_multipart_uploads", asked
            )
            found += [
                UnfinishedWrite(
                    str(entry["Key"]).removeprefix(self._place.prefix),
                    str(entry["UploadId"]),
                    _moment(entry["Initiated"]),
                )
                for entry in page.get("Uploads", ())
            ]
            # SeaweedFS cuts a page without saying where the next one starts.
            if not page.get("NextKeyMarker"):
                break
            place = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }
        return found

    def discard(self, write: UnfinishedWrite) -> None:
        """Abort a multipart upload and let its parts go."""
        try:
            self._bucket.ask(
                "discarding an unfinished write",
                lambda: self._bucket.client.abort_multipart_upload(
                    Bucket=self._place.bucket,
                    Key=self._place.prefix + write.key,
                    UploadId=write.token,
                ),
            )
        except NotFound:
            return

    def check(self) -> str:
        """Write, read and delete a small object; a sentence about the bucket."""
        place = {
            "Bucket": self._place.bucket,
            "Key": self._place.prefix + PROBE_KEY,
        }
        client = self._bucket.client
        has_uploads = bool(self.list("uploads/", limit=1))
        self._bucket.ask(
            "writing",
            lambda: client.put_object(Body=b"probe", **place, **self._place.encryption),
        )
        kept = self._bucket.ask("looking", lambda: client.head_object(**place))
        self._bucket.ask("deleting", lambda: client.delete_object(**place))
        return ", ".join(
            (
                self.address,
                "R2" if self._place.is_r2 else f"region {client.meta.region_name}",
                f"encrypted ({kept['ServerSideEncryption']})"
                if kept.get("ServerSideEncryption")
                else "encryption not told",
                f"{'has' if has_uploads else 'no'} uploads",
            )
        )

    def close(self) -> None:
        """Close its connections."""
        self._bucket.close()

    def _name(self, key: str) -> str:
        name = self._place.prefix + checked_key(key)
        if len(name.encode()) > MAX_KEY_BYTES:
            raise InvalidInput(
                f"storage key {shown_key(key)} is too long behind the bucket's prefix"
            )
        return name

    def _page(self, what: str, request: str, asked: dict[str, Any]) -> dict[str, Any]:
        call = getattr(self._bucket.client, request)
        page: dict[str, Any] = self._bucket.ask(what, lambda: call(**asked))
        return page


def _check_is(etag: str, found: StoredObject | None) -> None:
    if found is not None and found.etag != etag:
        raise ObjectChanged(f"{shown_key(found.key)} holds other bytes by now")


def _stored(key: str, facts: dict[str, Any], size: int) -> StoredObject:
    return StoredObject(
        key=key,
        etag=str(facts["ETag"]).strip('"'),
        size=int(size),
        # R2 lists milliseconds; what it says of one object knows whole seconds only.
        modified=_moment(facts["LastModified"]).replace(microsecond=0),
    )


def _moment(value: datetime) -> datetime:
    return value.astimezone(UTC)
