"""Uploads: how a file in storage becomes a video that is to be processed.

Here belong the grammar of upload keys and what the catalogue knows of uploads. Not
here: how new ones are found (`upload_looks`, `upload_notices`), or any byte of a file.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.storage import StoredObject, checked_key, shown_key
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import InvalidInput

UPLOADS_PREFIX = "uploads/"

_EMAIL = re.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/]+")


@dataclass(frozen=True, slots=True)
class UploadKey:
    """The parts of `uploads/{yyyy-mm-dd}/{creator id or e-mail}/{file name}`."""

    day: date
    creator: UUID | str
    file_name: str

    @property
    def title(self) -> str:
        """A title for people, from the file name."""
        stem = PurePosixPath(self.file_name).stem
        return re.sub(r"[_\-\s]+", " ", stem).strip() or self.file_name


@dataclass(frozen=True, slots=True)
class KnownUpload:
    """What the catalogue knows of the video under a key."""

    etag: str
    lost_event: bool
    """Whether it waits for a run, and no event asks for one."""
    deleted_at: datetime | None = None
    """When the deletion of the video was asked for: its bytes may lie there still."""

    def is_due(self, upload: StoredObject) -> bool:
        """Whether what lies there has no event: it is new, or its event was lost.

        The same bytes are new too, once they were stored after a deletion.
        """
        returned = self.deleted_at is not None and upload.stored_at > self.deleted_at
        return self.etag != upload.etag or returned or self.lost_event


@runtime_checkable
class UploadCatalogue(Protocol):
    """Knows which uploads already are videos, across creators."""

    def known_uploads(self, keys: Iterable[str]) -> dict[str, KnownUpload]:
        """What is known of those of `keys` that have, or had, a video."""
        ...

    def has_uploads(self) -> bool:
        """Whether the bytes of any upload were ever read.

        A row may name an upload that never came.
        """
        ...

    def register_upload(
        self, upload: StoredObject, key: UploadKey, title: str | None = None
    ) -> Video:
        """Make (or find) the creator and the video of an upload; idempotent.

        A video whose bytes changed goes back to `pending`; what readers see stays.
        """
        ...

    def refuse_uploads(
        self, refused: Sequence[tuple[StoredObject, str]], limit: int
    ) -> list[str]:
        """Keep uploads that can be no videos, each once for its bytes, with the reason.

        At most `limit` of those that were not kept before; returns their keys.
        """
        ...


def parse_upload_key(key: str) -> UploadKey:
    """The parts of an upload's key; raises `InvalidInput` with what is wrong."""
    checked_key(key)
    parts = key.split("/")
    if len(parts) != 4 or parts[0] != "uploads":
        raise InvalidInput(
            f"upload key {shown_key(key)} is not uploads/YYYY-MM-DD/CREATOR/FILE NAME"
        )
    try:
        day = date.fromisoformat(parts[1])
    except ValueError:
        day = None
    if day is None or day.isoformat() != parts[1]:
        raise InvalidInput(
            f"upload key {shown_key(key)}: {shown_key(parts[1])} is no day YYYY-MM-DD"
        )
    return UploadKey(day, parse_creator(parts[2]), parts[3])


def parse_creator(text: str) -> UUID | str:
    """A creator named by id or by mail address; raises `InvalidInput`."""
    try:
        return UUID(text)
    except ValueError:
        pass
    if not _EMAIL.fullmatch(text):
        raise InvalidInput(
            f"{shown_key(text)} is neither a creator's id nor a mail address"
        )
    return text.lower()


def upload_key(day: date, creator: UUID | str, file_name: str) -> str:
    """The key under which a creator's file is uploaded; raises `InvalidInput`."""
    key = f"{UPLOADS_PREFIX}{day.isoformat()}/{creator}/{file_name}"
    parse_upload_key(key)
    return key


def run_key_of(video: Video) -> str:
    """Names the run of the newest bytes of a video: launched once, for ever.

    The number tells bytes that came back from those that were there before. The key
    of the upload is left out: it holds a mail address, and run keys are logged.
    """
    return f"{video.id}@{video.upload_etag}#{video.upload_number}"
