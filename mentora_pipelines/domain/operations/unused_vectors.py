"""Vectors whose text left every version of its lesson, and when they may go.

Here belong the grace and the guard. Not here: SQL.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from mentora_pipelines.errors import PermanentError

MAX_SHARE = 0.5
SMALL_NUMBER = 1000

BATCH = 5000
"""Rows a statement: the index of vectors is changed under no long transaction."""

MAX_BATCHES = 20


@dataclass(frozen=True, slots=True)
class VectorUse:
    """How many vectors there are, and how many of them no chunk uses."""

    vectors: int
    unused: int

    @property
    def fault(self) -> str | None:
        """Why none of them must go, if so: the chunks seem to be lost."""
        if self.unused > SMALL_NUMBER and self.unused > MAX_SHARE * self.vectors:
            return f"{self.unused} of {self.vectors} vectors would go"
        return None


@runtime_checkable
class VectorLedger(Protocol):
    """Knows which vectors chunks use, across creators."""

    def vector_use(self, before: datetime) -> VectorUse:
        """How many there are, and how many no chunk has used since `before`."""
        ...

    def delete_unused_vectors(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` of those; returns how many."""
        ...


def collect_vectors(
    ledger: VectorLedger,
    *,
    now: datetime,
    grace: timedelta,
    past_guard: bool = False,
) -> int:
    """Delete vectors that no chunk uses, of lessons that are at rest.

    Returns how many went. Raises `PermanentError` when most of all would go: then the
    chunks were lost, and the vectors are what is left of money spent; `past_guard` is
    for a person who knows that they were not.
    """
    before = now - grace
    fault = ledger.vector_use(before).fault
    if fault is not None and not past_guard:
        raise PermanentError(f"no vector is deleted: {fault}")
    deleted = 0
    for _ in range(MAX_BATCHES):
        gone = ledger.delete_unused_vectors(before, BATCH)
        deleted += gone
        if gone < BATCH:
            break
    return deleted
