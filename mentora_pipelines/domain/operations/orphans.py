"""Orphans: stored objects that nobody names any more, and when they may go.

Here belong the grace, and the guard that stops when the database seems to have
forgotten its lessons. Not here: what counts as one (`orphan_kinds`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mentora_pipelines.domain.lessons.audio import AUDIO_PREFIX
from mentora_pipelines.domain.lessons.captions import CAPTIONS_PREFIX
from mentora_pipelines.domain.operations.orphan_kinds import (
    MAX_COLLECTED,
    OrphansOfKind,
    needless_reports,
    orphaned_uploads,
    unnamed_objects,
)
from mentora_pipelines.domain.operations.orphan_ledger import OrphanLedger
from mentora_pipelines.domain.storage import StorageKeeper, StoredObject
from mentora_pipelines.errors import ObjectChanged, PermanentError

DERIVED_PREFIXES = (AUDIO_PREFIX, CAPTIONS_PREFIX)
"""What can be made again from an upload, and is named by a row or by nobody."""

MAX_SHARE = 0.5
SMALL_NUMBER = 20
"""More than half of a kind, unless it is a handful, looks like a database that was
emptied, restored or swapped, and not like lessons that were deleted."""

BATCH = 500
"""Objects whose names are looked up anew right before they are deleted."""


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
    """Find what nobody names and what is older than `grace`; changes nothing."""
    before = now - grace
    kinds = [
        orphaned_uploads(storage, ledger, before),
        *(unnamed_objects(storage, ledger, each, before) for each in DERIVED_PREFIXES),
        needless_reports(storage, ledger, before),
    ]
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
    if by_now is None or by_now.stored_at != found.stored_at:
        # The store is away, or the same bytes were stored anew: somebody needs them.
        return False
    try:
        storage.delete(found.key, etag=found.etag)
    except ObjectChanged:
        return False
    return True
