"""Uploads: how a file in storage becomes a video that is to be processed.

Here belong the grammar of upload keys and the diff between what storage lists and
what the catalogue knows. Not here: listing, launching, or any byte of a file.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Protocol, Self, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.storage import (
    ObjectStorage,
    StoredObject,
    checked_key,
    shown_key,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import InvalidInput, PermanentError

UPLOADS_PREFIX = "uploads/"

SETTLE_S = 2.0
"""A file that changed less than this many seconds ago may still be growing: a copy
into the folder writes several times a second."""

PAGE_KEYS = 1000
"""Keys looked at in one page: one listing request of S3, milliseconds in a folder."""

MAX_UPLOADS = 200
"""Uploads registered of a page, and of the newest days: a look stays within seconds."""

MAX_MALFORMED = 10
"""Malformed keys named in one look."""

RECENT_DAYS = timedelta(days=2)
"""An upload lands under its own day or, around midnight, the day before."""

RECENT_PAGES = 3
"""Pages of the newest days in one look: a day of a thousand uploads is seen whole each
time, and one of a hundred thousand within minutes."""

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


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What some listed uploads ask for, in the order of the listing."""

    fresh: tuple[StoredObject, ...]
    unannounced: tuple[StoredObject, ...]


@dataclass(frozen=True, slots=True)
class UploadCursor:
    """Where a look starts: the round over all uploads, and that over the newest days.

    Each is the last key that was looked at, or empty at the start of a round.
    """

    sweep: str = ""
    recent: str = ""

    def __str__(self) -> str:
        """As it is remembered between looks; never empty."""
        return json.dumps([self.sweep, self.recent])

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """What `str` made; anything else is the start of both rounds."""
        try:
            sweep, recent = json.loads(text or "")
        except (ValueError, TypeError):
            return cls()
        if not (isinstance(sweep, str) and isinstance(recent, str)):
            return cls()
        return cls(sweep, recent)


@dataclass(frozen=True, slots=True)
class UploadLook:
    """What one look at storage found; `cursor` is where the next one starts.

    `keys` were listed in `listings` requests.
    """

    due: tuple[Video, ...]
    malformed: tuple[tuple[str, str], ...]
    cursor: UploadCursor
    keys: int = 0
    listings: int = 0


@runtime_checkable
class UploadCatalogue(Protocol):
    """Knows which uploads already are videos, across creators."""

    def known_uploads(self, keys: Iterable[str]) -> dict[str, KnownUpload]:
        """What is known of those of `keys` that have a video."""
        ...

    def register_upload(
        self, upload: StoredObject, key: UploadKey, title: str | None = None
    ) -> Video:
        """Make (or find) the creator and the video of an upload; idempotent.

        A video whose bytes changed goes back to `pending`; what readers see stays.
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


def plan_uploads(
    listed: Iterable[StoredObject],
    known: Mapping[str, KnownUpload],
    now: datetime,
) -> UploadPlan:
    """Which of the listed uploads need an event.

    Fresh is what has no video yet or other bytes than its video knows; unannounced is
    what waits for a run that no event asks for. A file that may still be growing is
    neither; one dated in the future is not growing, its machine's clock is wrong.
    """
    fresh: list[StoredObject] = []
    unannounced: list[StoredObject] = []
    settle = timedelta(seconds=SETTLE_S)
    for upload in listed:
        if abs(now - upload.modified) < settle:
            continue
        before = known.get(upload.key)
        if before is None or before.etag != upload.etag:
            fresh.append(upload)
        elif before.lost_event:
            unannounced.append(upload)
    return UploadPlan(tuple(fresh), tuple(unannounced))


def look_for_uploads(
    storage: ObjectStorage,
    catalogue: UploadCatalogue,
    *,
    cursor: UploadCursor,
    now: datetime,
) -> UploadLook:
    """One bounded look at storage: pages of the newest days, and a page of all.

    Both go round and round, so that late keys of earlier days, replaced uploads and
    lost events are found too. A day's keys are in no order of time: the newest days
    are read whole, not from the last key on. Each video that is due is registered,
    which is idempotent: a look that is cut off is repeated. A key outside the grammar
    is named with its reason and stops nobody.
    """
    page = storage.list(UPLOADS_PREFIX, after=cursor.sweep, limit=PAGE_KEYS)
    listings = 1
    recent: list[StoredObject] = []
    # With the slash: some stores take the name of a folder for all that is in it.
    recent_from = f"{UPLOADS_PREFIX}{now.date() - RECENT_DAYS}/"
    after = max(cursor.recent, recent_from)
    is_seen_whole = not cursor.sweep and len(page) < PAGE_KEYS
    goes_on = not is_seen_whole
    for _ in range(RECENT_PAGES if goes_on else 0):
        newest = storage.list(UPLOADS_PREFIX, after=after, limit=PAGE_KEYS)
        listings += 1
        recent += newest
        goes_on = len(newest) == PAGE_KEYS
        if not goes_on:
            break
        after = newest[-1].key
    keys, malformed = _parse_keys({u.key: u for u in (*page, *recent)}.values())
    known = catalogue.known_uploads(keys)

    of_recent, recent_cut = _first_due(recent, keys, known, now)
    of_page, sweep_cut = _first_due(page, keys, known, now)
    due: list[Video] = []
    for upload in {u.key: u for u in (*of_recent, *of_page)}.values():
        try:
            due.append(catalogue.register_upload(upload, keys[upload.key]))
        except PermanentError as error:
            malformed.append((upload.key, str(error)))
    next_cursor = UploadCursor(
        sweep=sweep_cut or (page[-1].key if len(page) == PAGE_KEYS else ""),
        recent=recent_cut or (recent[-1].key if recent and goes_on else ""),
    )
    return UploadLook(
        tuple(due),
        tuple(malformed[:MAX_MALFORMED]),
        next_cursor,
        len(page) + len(recent),
        listings,
    )


def _first_due(
    listed: Sequence[StoredObject],
    keys: Mapping[str, UploadKey],
    known: Mapping[str, KnownUpload],
    now: datetime,
) -> tuple[list[StoredObject], str]:
    """The first of the listed that need an event, in the order of the listing.

    Also the key after which the rest of them comes, or nothing when these are all.
    """
    plan = plan_uploads((u for u in listed if u.key in keys), known, now)
    wanted = {u.key for u in (*plan.fresh, *plan.unannounced)}
    due = [upload for upload in listed if upload.key in wanted]
    if len(due) <= MAX_UPLOADS:
        return due, ""
    return due[:MAX_UPLOADS], due[MAX_UPLOADS - 1].key


def _parse_keys(
    listed: Iterable[StoredObject],
) -> tuple[dict[str, UploadKey], list[tuple[str, str]]]:
    keys: dict[str, UploadKey] = {}
    malformed: list[tuple[str, str]] = []
    for upload in listed:
        try:
            keys[upload.key] = parse_upload_key(upload.key)
        except InvalidInput as error:
            malformed.append((upload.key, str(error)))
    return keys, malformed
