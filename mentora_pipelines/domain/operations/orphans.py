"""Orphans: stored objects that nobody names any more, and when they may go.

Here belong what counts as one, the grace, and the guard that stops when the database
seems to have forgotten its lessons. Not here: SQL or buckets.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.analytics.metric_reports import creator_of_report
from mentora_pipelines.domain.lessons.audio import AUDIO_PREFIX
from mentora_pipelines.domain.lessons.captions import CAPTIONS_PREFIX
from mentora_pipelines.domain.storage import (
    REPORTS_PREFIX,
    StorageKeeper,
    StoredObject,
)
from mentora_pipelines.domain.uploads import UPLOADS_PREFIX
from mentora_pipelines.errors import ObjectChanged, PermanentError

DERIVED_PREFIXES = (AUDIO_PREFIX, CAPTIONS_PREFIX)
"""What can be made again from an upload, and is named by a row or by nobody."""

MAX_SHARE = 0.5
SMALL_NUMBER = 20
"""More than half of a kind, unless it is a handful, looks like a database that was
emptied, restored or swapped, and not like lessons that were deleted."""

MAX_COLLECTED = 10_000
"""Objects that one run deletes: minutes of work, and the rest is there tomorrow."""

BATCH = 500
"""Objects whose names are looked up anew right before they are deleted."""

PAGE_KEYS = 1000


@dataclass(frozen=True, slots=True)
class NotedOrphan:
    """An object whose video was deleted; the etag, of an upload, names its bytes."""

    key: str
    etag: str | None


@runtime_checkable
class OrphanLedger(Protocol):
    """What the database knows of stored objects, across creators."""

    def noted_orphans(
        self, before: datetime, *, after: str, limit: int
    ) -> list[NotedOrphan]:
        """Those noted before that time that no row names, above `after`, by key."""
        ...

    def named(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that a row names."""
        ...

    def named_count(self, prefix: str) -> int:
        """How many objects under a prefix the rows name, at most.

        Of reports: how many creators there are, each of whom has some.
        """
        ...

    def known_creators(self, creator_ids: Collection[UUID]) -> set[UUID]:
        """Those of `creator_ids` that are still creators."""
        ...

    def forget_orphans(self, keys: Collection[str]) -> None:
        """Remove the notes: the objects are gone, or are no orphans."""
        ...


@dataclass(slots=True)
class OrphansOfKind:
    """What was found under one prefix; `size` in bytes, of the orphans.

    `found` are the orphans that may go, of which at most `MAX_COLLECTED` are kept.
    """

    prefix: str
    objects: int = 0
    orphans: int = 0
    size: int = 0
    guarded: int = 0
    """Of the orphans, those that rows decide about."""
    found: list[StoredObject] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    """Of notes that are of no use: the object is gone, or is another one."""

    def add(self, orphan: StoredObject, *, guarded: bool = True) -> None:
        """Count an orphan."""
        self.orphans += 1
        self.guarded += guarded
        self.size += orphan.size
        if len(self.found) < MAX_COLLECTED:
            self.found.append(orphan)


@dataclass(frozen=True, slots=True)
class OrphanSurvey:
    """What may go; `fault` says why nothing of it must."""

    kinds: tuple[OrphansOfKind, ...]
    unfinished: int
    fault: str | None

    def as_plain(self) -> dict[str, int]:
        """The numbers that an operator wants, by name."""
        plain = {"unfinished": self.unfinished}
        for kind in self.kinds:
            name = kind.prefix.rstrip("/")
            plain[f"{name}_objects"] = kind.objects
            plain[f"{name}_orphans"] = kind.orphans
            plain[f"{name}_orphan_bytes"] = kind.size
        return plain


@dataclass(frozen=True, slots=True)
class Collected:
    """What a run removed."""

    survey: OrphanSurvey
    deleted: int
    discarded: int

    def as_plain(self) -> dict[str, int]:
        """The numbers that an operator wants, by name."""
        return {
            **self.survey.as_plain(),
            "deleted": self.deleted,
            "discarded": self.discarded,
        }


def survey_orphans(
    storage: StorageKeeper, ledger: OrphanLedger, *, now: datetime, grace: timedelta
) -> OrphanSurvey:
    """Find what nobody names and what is older than `grace`; changes nothing.

    An upload is one only when its video was deleted: what no video names may be about
    to become one.
    """
    before = now - grace
    kinds = [_orphaned_uploads(storage, ledger, before)]
    for prefix in DERIVED_PREFIXES:
        kind = OrphansOfKind(prefix)
        for page in _pages(storage, prefix):
            kind.objects += len(page)
            old = [found for found in page if found.modified < before]
            named = ledger.named([found.key for found in old])
            for found in old:
                if found.key not in named:
                    kind.add(found)
        kinds.append(kind)
    kinds.append(_needless_reports(storage, ledger, before))
    unfinished = sum(
        write.started < before for write in storage.unfinished_writes(MAX_COLLECTED)
    )
    faults = [fault for kind in kinds if (fault := _fault(kind, ledger))]
    return OrphanSurvey(tuple(kinds), unfinished, "; ".join(faults) or None)


def collect_orphans(
    storage: StorageKeeper,
    ledger: OrphanLedger,
    *,
    now: datetime,
    grace: timedelta,
    past_guard: bool = False,
) -> Collected:
    """Delete what a survey finds; raises `PermanentError` when its guard says no.

    Each batch is looked up once more before it goes, and an object that was replaced
    meanwhile stays. Repeating a run that was cut off is safe.
    """
    survey = survey_orphans(storage, ledger, now=now, grace=grace)
    if survey.fault is not None and not past_guard:
        raise PermanentError(f"no orphan is deleted: {survey.fault}")
    deleted = 0
    for kind in survey.kinds:
        ledger.forget_orphans(kind.settled)
        for start in range(0, len(kind.found), BATCH):
            batch = kind.found[start : start + BATCH]
            named = ledger.named([found.key for found in batch])
            gone = [
                found.key
                for found in batch
                if found.key not in named and _delete(storage, found)
            ]
            ledger.forget_orphans([*gone, *named])
            deleted += len(gone)
    discarded = 0
    for write in storage.unfinished_writes(MAX_COLLECTED):
        if write.started < now - grace:
            storage.discard(write)
            discarded += 1
    return Collected(survey, deleted, discarded)


def _orphaned_uploads(
    storage: StorageKeeper, ledger: OrphanLedger, before: datetime
) -> OrphansOfKind:
    """The uploads of deleted videos, and what else was noted with them.

    A note whose object is gone, or holds other bytes by now, counts for nothing.
    """
    kind = OrphansOfKind(UPLOADS_PREFIX)
    after = ""
    while noted := ledger.noted_orphans(before, after=after, limit=PAGE_KEYS):
        after = noted[-1].key
        for note in noted:
            found = storage.stat(note.key)
            if found is None or note.etag not in (None, found.etag):
                kind.settled.append(note.key)
            elif note.key.startswith(UPLOADS_PREFIX):
                # What was made of it is found by its listing.
                kind.add(found)
        if len(noted) < PAGE_KEYS or len(kind.found) >= MAX_COLLECTED:
            break
    kind.objects = kind.orphans + ledger.named_count(UPLOADS_PREFIX)
    return kind


def _needless_reports(
    storage: StorageKeeper, ledger: OrphanLedger, before: datetime
) -> OrphansOfKind:
    """Pages of which there is a newer one about the same, and those of who is gone.

    The newest of who is there is always kept. A page that is written again is the
    newest, whatever is in it.
    """
    kind = OrphansOfKind(REPORTS_PREFIX)
    creators: dict[UUID, list[StoredObject]] = {}
    listed = chain.from_iterable(_pages(storage, REPORTS_PREFIX))
    for _, group in groupby(listed, key=lambda page: page.key.partition(".")[0]):
        *older, newest = sorted(group, key=lambda page: page.modified)
        kind.objects += len(older) + 1
        for page in older:
            if page.modified < min(before, newest.modified):
                kind.add(page, guarded=False)
        creator_id = creator_of_report(newest.key)
        if creator_id is not None and newest.modified < before:
            creators.setdefault(creator_id, []).append(newest)
    for gone in creators.keys() - ledger.known_creators(creators.keys()):
        for page in creators[gone]:
            kind.add(page)
    return kind


def _pages(storage: StorageKeeper, prefix: str) -> Iterator[list[StoredObject]]:
    after = ""
    while page := storage.list(prefix, after=after, limit=PAGE_KEYS):
        yield page
        if len(page) < PAGE_KEYS:
            return
        after = page[-1].key


def _fault(kind: OrphansOfKind, ledger: OrphanLedger) -> str | None:
    if not kind.guarded:
        return None
    if ledger.named_count(kind.prefix) == 0:
        return f"the database names no object under {kind.prefix} at all"
    if kind.guarded > SMALL_NUMBER and kind.guarded > MAX_SHARE * kind.objects:
        return f"{kind.guarded} of {kind.objects} objects under {kind.prefix} would go"
    return None


def _delete(storage: StorageKeeper, found: StoredObject) -> bool:
    by_now = storage.stat(found.key)
    if by_now is not None and by_now.modified != found.modified:
        return False  # the same bytes were stored anew: somebody needs them
    try:
        storage.delete(found.key, etag=found.etag)
    except ObjectChanged:
        return False
    return True
