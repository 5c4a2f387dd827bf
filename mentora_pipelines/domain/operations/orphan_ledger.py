"""What the database knows of stored objects that nobody names any more."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.storage import StoredObject


@dataclass(frozen=True, slots=True)
class NotedOrphan:
    """An object whose video was deleted; the etag, of an upload, names its bytes.

    The deletion may have been asked for long before it was done, at `orphaned_at`.
    """

    key: str
    etag: str | None
    orphaned_at: datetime
    asked_at: datetime

    def is_about(self, found: StoredObject) -> bool:
        """Whether this is what was noted: neither other bytes, nor stored since."""
        return self.etag in (None, found.etag) and found.stored_at <= self.asked_at


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

        Of reports: how many creators there are, each of whom has some. Raises
        `InvalidInput` for a prefix under which no row names anything.
        """
        ...

    def known_creators(self, creator_ids: Collection[UUID]) -> set[UUID]:
        """Those of `creator_ids` that are still creators."""
        ...

    def forget_orphans(self, keys: Collection[str]) -> None:
        """Remove the notes: the objects are gone, or are no orphans."""
        ...
