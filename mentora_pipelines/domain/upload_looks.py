"""Looks at storage: which of the listed uploads nobody has told of yet.

Here belongs the diff between what storage lists and what the catalogue knows. Not here:
the grammar of keys (`uploads`), or launching.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from mentora_pipelines.domain.storage import ObjectStorage, StoredObject
from mentora_pipelines.domain.uploads import (
    UPLOADS_PREFIX,
    UploadCatalogue,
    UploadKey,
    parse_upload_key,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import InvalidInput, PermanentError, TransientError

PAGE_KEYS = 1000
"""Keys looked at in one page: one listing request of S3, milliseconds in a folder."""

MAX_UPLOADS = 200
"""Uploads registered of a page, and of the newest days: a look stays within seconds."""

MAX_MALFORMED = 10
"""Malformed keys named, and kept, in one look."""

RECENT_DAYS = timedelta(days=2)
"""An upload lands under its own day or, around midnight, the day before."""

RECENT_PAGES = 3
"""Pages of the newest days in one look: a day of a thousand uploads is seen whole each
time, and one of a hundred thousand within minutes."""


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

    `malformed` are the keys, with the reason, that no look has named before. `keys`
    were listed in `listings` requests.
    """

    due: tuple[Video, ...]
    malformed: tuple[tuple[str, str], ...]
    cursor: UploadCursor
    keys: int = 0
    listings: int = 0


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
    is kept and named once, with its reason, and stops nobody. Raises `TransientError`
    when nothing at all is listed although uploads were read before.
    """
    page = storage.list(UPLOADS_PREFIX, after=cursor.sweep, limit=PAGE_KEYS)
    if not (page or cursor.sweep) and catalogue.has_uploads():
        raise TransientError(
            "storage lists no upload at all, and there were some: is it the right "
            "folder or bucket, and is it mounted?"
        )
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
    unsettled = timedelta(seconds=storage.settle_s)
    # What still grows has other bytes at each look: nothing is said of it before. A
    # file dated in the future is not growing: its machine's clock is wrong.
    listed = {
        upload.key: upload
        for upload in (*page, *recent)
        if abs(now - upload.modified) >= unsettled
    }
    keys, refused = _parse_keys(listed)
    known = catalogue.known_uploads(keys)
    wanted = {key for key in keys if key not in known or known[key].is_due(listed[key])}
    of_recent, recent_cut = _first(recent, wanted)
    of_page, sweep_cut = _first(page, wanted)
    due: list[Video] = []
    for key in dict.fromkeys(upload.key for upload in (*of_recent, *of_page)):
        try:
            due.append(catalogue.register_upload(listed[key], keys[key]))
        except PermanentError as error:
            refused[key] = str(error)
    told = catalogue.refuse_uploads(
        [(listed[key], reason) for key, reason in refused.items()], MAX_MALFORMED
    )
    next_cursor = UploadCursor(
        sweep=sweep_cut or (page[-1].key if len(page) == PAGE_KEYS else ""),
        recent=recent_cut or (recent[-1].key if recent and goes_on else ""),
    )
    return UploadLook(
        tuple(due),
        tuple((key, refused[key]) for key in told),
        next_cursor,
        len(page) + len(recent),
        listings,
    )


def _first(
    listed: Sequence[StoredObject], wanted: Collection[str]
) -> tuple[list[StoredObject], str]:
    """The first of the listed that need an event, in the order of the listing.

    Also the key after which the rest of them comes, or nothing when these are all.
    """
    due = [upload for upload in listed if upload.key in wanted]
    if len(due) <= MAX_UPLOADS:
        return due, ""
    return due[:MAX_UPLOADS], due[MAX_UPLOADS - 1].key


def _parse_keys(listed: Iterable[str]) -> tuple[dict[str, UploadKey], dict[str, str]]:
    """The parts of the keys, and the reasons of those that have none."""
    keys: dict[str, UploadKey] = {}
    refused: dict[str, str] = {}
    for key in listed:
        try:
            keys[key] = parse_upload_key(key)
        except InvalidInput as error:
            refused[key] = str(error)
    return keys, refused
