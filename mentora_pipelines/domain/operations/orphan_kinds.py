"""What counts as an orphan, under each prefix of storage.

Here belong uploads, what was made of them, and reports. Not here: whether the orphans
may go (`orphans`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, groupby, islice
from uuid import UUID

from mentora_pipelines.domain.analytics.metric_reports import creator_of_report
from mentora_pipelines.domain.operations.orphan_ledger import OrphanLedger
from mentora_pipelines.domain.storage import (
    REPORTS_PREFIX,
    ObjectStorage,
    StoredObject,
)
from mentora_pipelines.domain.uploads import UPLOADS_PREFIX

MAX_COLLECTED = 10_000
"""Objects that one run deletes: minutes of work, and the rest is there tomorrow."""

PAGE_KEYS = 1000

NOTE_OUTLIVES = timedelta(days=30)
"""How long a note without its object is kept after the grace. It stops nobody, and a
storage that is empty for a night, since it was not mounted, must not cost it: the
deleted lessons would be taken for new ones."""


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
    """Of notes that have long been of no use."""

    def add(self, orphan: StoredObject, *, guarded: bool = True) -> None:
        """Count an orphan."""
        self.orphans += 1
        self.guarded += guarded
        self.size += orphan.size
        if len(self.found) < MAX_COLLECTED:
            self.found.append(orphan)


def orphaned_uploads(
    storage: ObjectStorage, ledger: OrphanLedger, before: datetime
) -> OrphansOfKind:
    """The uploads of deleted videos that were noted `before` that time.

    What no video names is none: it may be about to become one. A note whose object is
    gone, holds other bytes or was stored anew counts for nothing.
    """
    kind = OrphansOfKind(UPLOADS_PREFIX)
    after = ""
    while noted := ledger.noted_orphans(before, after=after, limit=PAGE_KEYS):
        after = noted[-1].key
        for note in noted:
            found = storage.stat(note.key)
            if found is None or not note.is_about(found):
                if note.orphaned_at < before - NOTE_OUTLIVES:
                    kind.settled.append(note.key)
            elif note.key.startswith(UPLOADS_PREFIX):
                # What was made of it is found by its listing.
                kind.add(found)
        if len(noted) < PAGE_KEYS or len(kind.found) >= MAX_COLLECTED:
            break
    kind.objects = kind.orphans + ledger.named_count(UPLOADS_PREFIX)
    return kind


def unnamed_objects(
    storage: ObjectStorage, ledger: OrphanLedger, prefix: str, before: datetime
) -> OrphansOfKind:
    """What was stored before that time under a prefix, and no row names."""
    kind = OrphansOfKind(prefix)
    for page in _pages(storage, prefix):
        kind.objects += len(page)
        old = [found for found in page if found.modified < before]
        named = ledger.named([found.key for found in old])
        for found in old:
            if found.key not in named:
                kind.add(found)
    return kind


def needless_reports(
    storage: ObjectStorage, ledger: OrphanLedger, before: datetime
) -> OrphansOfKind:
    """Pages of which there is a newer one about the same, and those of who is gone.

    The newest of who is there is always kept. A page that is written again is the
    newest, whatever is in it.
    """
    kind = OrphansOfKind(REPORTS_PREFIX)
    listed = chain.from_iterable(_pages(storage, REPORTS_PREFIX))
    groups = groupby(listed, key=lambda page: page.key.partition(".")[0])
    newest_pages = (_newest(kind, [*group], before) for _, group in groups)
    there: dict[UUID, bool] = {}
    # Page by page: there may be one for each creator and day.
    while batch := list(islice(newest_pages, PAGE_KEYS)):
        whose = {
            page: creator_id
            for page in batch
            if page.modified < before
            and (creator_id := creator_of_report(page.key)) is not None
        }
        asked = set(whose.values()) - there.keys()
        known = ledger.known_creators(asked) if asked else set()
        there |= {creator_id: creator_id in known for creator_id in asked}
        for page, creator_id in whose.items():
            if not there[creator_id]:
                kind.add(page)
    return kind


def _newest(
    kind: OrphansOfKind, about_the_same: list[StoredObject], before: datetime
) -> StoredObject:
    """The newest page of some, the others counted."""
    *older, newest = sorted(about_the_same, key=lambda page: page.modified)
    kind.objects += len(about_the_same)
    for page in older:
        if page.modified < min(before, newest.modified):
            kind.add(page, guarded=False)
    return newest


def _pages(storage: ObjectStorage, prefix: str) -> Iterator[list[StoredObject]]:
    after = ""
    while page := storage.list(prefix, after=after, limit=PAGE_KEYS):
        yield page
        if len(page) < PAGE_KEYS:
            return
        after = page[-1].key
