"""Writing an object of unknown length with bounded memory.

Here belong parts, their order and what is left when a write fails. Not here: how long
to be patient (see `connection`).
"""

import hashlib
import secrets
from base64 import b64encode
from contextlib import suppress
from typing import Any, BinaryIO

from mentora_pipelines.adapters.s3_storage.connection import Bucket, translated
from mentora_pipelines.domain.storage import (
    cache_control_of,
    content_type_of,
    shown_key,
)
from mentora_pipelines.errors import MentoraError, NotFound, TransientError

PART_BYTES = 16 << 20
"""What is in memory at once, twice. S3 takes 10,000 parts: up to 156 GiB."""

PUT_NAME = "mentora-put"
"""Metadata by which a write knows its own object again."""


def write_object(bucket: Bucket, key: str, content: BinaryIO) -> int:
    """Store the stream under `key` and return its length in bytes.

    A reader sees it whole or not at all. A failed write leaves the object that was
    there, and nothing of its own but parts that the store may still hold for a while.
    """
    first = _read_part(key, content)
    attributes = {
        "Bucket": bucket.place.bucket,
        "Key": bucket.place.prefix + key,
        "ContentType": content_type_of(key),
        "CacheControl": cache_control_of(key),
        **bucket.place.encryption,
    }
    if len(first) < PART_BYTES:
        bucket.ask(
            f"writing {shown_key(key)}",
            lambda: bucket.client.put_object(
                Body=first, ContentMD5=_digest(first), **attributes
            ),
        )
        return len(first)
    return _PartedWrite(bucket, key, attributes).run(first, content)


class _PartedWrite:
    def __init__(self, bucket: Bucket, key: str, attributes: dict[str, Any]) -> None:
        self._bucket = bucket
        self._key = key
        self._what = f"writing {shown_key(key)}"
        self._name = secrets.token_hex(8)
        self._attributes = attributes
        self._place = {name: attributes[name] for name in ("Bucket", "Key")}

    def run(self, first: bytes, content: BinaryIO) -> int:
        """Store `first` and the rest of `content`; returns their length."""
        client = self._bucket.client
        # Tried again after a lost answer it leaves a second one, to be collected.
        upload_id = str(
            self._bucket.ask(
                self._what,
                lambda: client.create_multipart_upload(
                    Metadata={PUT_NAME: self._name}, **self._attributes
                ),
            )["UploadId"]
        )
        finished = False
        try:
            size = 0
            parts: list[dict[str, Any]] = []
            part = first
            while part:
                parts.append(self._put_part(upload_id, len(parts) + 1, part))
                size += len(part)
                part = _read_part(self._key, content)
            self._complete(upload_id, parts)
            finished = True
            return size
        finally:
            if not finished:
                self._abort(upload_id)

    def _put_part(self, upload_id: str, number: int, part: bytes) -> dict[str, Any]:
        try:
            answer = self._bucket.ask(
                self._what,
                lambda: self._bucket.client.upload_part(
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=part,
                    ContentMD5=_digest(part),
                    **self._place,
                ),
            )
        except NotFound:
            raise TransientError(f"storage: {self._what}: it was aborted") from None
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _complete(self, upload_id: str, parts: list[dict[str, Any]]) -> None:
        try:
            self._bucket.ask(
                self._what,
                lambda: self._bucket.client.complete_multipart_upload(
                    UploadId=upload_id, MultipartUpload={"Parts": parts}, **self._place
                ),
            )
        except NotFound:
            # Done by an attempt whose answer was lost, or aborted by somebody.
            if not self._is_stored():
                raise TransientError(f"storage: {self._what}: it was aborted") from None

    def _is_stored(self) -> bool:
        """Whether the object that lies there is the one of this write."""
        try:
            stored = self._bucket.ask(
                self._what, lambda: self._bucket.client.head_object(**self._place)
            )
        except NotFound:
            return False
        return bool(stored.get("Metadata", {}).get(PUT_NAME) == self._name)

    def _abort(self, upload_id: str) -> None:
        with suppress(MentoraError), translated(self._what):
            self._bucket.client.abort_multipart_upload(
                UploadId=upload_id, **self._place
            )


def _read_part(key: str, content: BinaryIO) -> bytes:
    """The next part, full unless the stream ends."""
    pieces = []
    missing = PART_BYTES
    try:
        while missing and (piece := content.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
    except OSError as error:
        raise TransientError(
            f"storage: {error.strerror or 'fault'} of what is stored at "
            f"{shown_key(key)}"
        ) from error
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _digest(part: bytes) -> str:
    """The checksum that every S3 verifies, also those that know no newer one."""
    return b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
