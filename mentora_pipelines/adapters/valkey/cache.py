"""The cache: the order of its steps, and what follows when a server is away.

Values lie on the cache server, the index of each entity on the coordination server;
they may be the same. Not here: commands (`entries`, `index`) and the reasons why the
steps are safe in this order (`scripts`).
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.entries import (
    LEASE_MS,
    Claim,
    Entries,
    Found,
    ttl_ms,
)
from mentora_pipelines.adapters.valkey.index import EntityIndex, Reading
from mentora_pipelines.adapters.valkey.refreshes import Refreshes
from mentora_pipelines.adapters.valkey.scripts import COUNT
from mentora_pipelines.domain.caching.cache import (
    WAIT_S,
    CacheKey,
    Count,
    Entity,
    Miss,
)
from mentora_pipelines.errors import TransientError

T = TypeVar("T")

FIRST_POLL_S = 0.005
LONGEST_POLL_S = 0.05
"""Between two looks at another's computation: twice as long each time, up to this.
64 waiting clients then ask some 1,500 times a second, a hundredth of what a server
answers."""

REFRESH_SHARE = 0.25
"""Of a value's life, at its end, in which it may be renewed."""

logger = logging.getLogger(__name__)


class ValkeyCache:
    """Satisfies `Cache` and `CacheInvalidator`; safe for threads."""

    def __init__(
        self, cache: ValkeyServer, coordination: ValkeyServer, prefix: str = ""
    ) -> None:
        self._entries = Entries(cache, prefix)
        self._index = EntityIndex(coordination, prefix, LEASE_MS)
        self._coordination = coordination
        self._prefix = prefix
        self._refreshes = Refreshes()

    def get(self, key: CacheKey[T]) -> T | Miss:
        """The value, or a `Miss`."""
        try:
            (found,) = self._entries.look([key])
            if found is not None:
                return found.value
            return Miss(self._entries.open_epochs(key))
        except TransientError:
            return Miss()

    def get_many(self, keys: Sequence[CacheKey[T]]) -> list[T | Miss]:
        """A value or a `Miss` for each key."""
        try:
            found = self._entries.look(keys) if keys else []
        except TransientError:
            return [Miss() for _ in keys]
        return [Miss() if one is None else one.value for one in found]

    def set(self, key: CacheKey[T], value: T, *, since: Miss | None = None) -> bool:
        """Store a value; whether it was."""
        try:
            claim = self._entries.claim(key, by_force=True)
        except TransientError:
            return False
        if since is not None and key.entities and since.epochs != claim.epochs:
            self._release(key, claim)
            return False
        return self._note(key, claim) and self._store(key, claim, value)

    def set_many(self, values: Sequence[tuple[CacheKey[T], T]]) -> int:
        """Store values that belong to no entity; how many were."""
        try:
            return self._entries.put(values) if values else 0
        except TransientError:
            return 0
        except ValueError as error:
            _tell(values[0][0], error)
            return 0

    def delete(self, key: CacheKey[Any]) -> bool:
        """Forget one value and any computation of it; whether there was one."""
        try:
            return self._entries.forget(key)
        except TransientError:
            return False

    def get_or_compute(
        self,
        key: CacheKey[T],
        compute: Callable[[], T],
        *,
        refresh_s: float = 0.0,
        wait_s: float = WAIT_S,
    ) -> T:
        """The value, computed by one caller of all processes when it is missing."""
        claim: Claim[T] | None = None
        try:
            (found,) = self._entries.look([key])
        except TransientError:
            pass  # One attempt is enough: compute, and leave the server alone.
        else:
            if found is not None:
                if _is_due(key, found, refresh_s):
                    self._refresh(key, compute, refresh_s)
                return found.value
            claim = self._await_claim(key, wait_s)
        if claim is None:
            return compute()
        if claim.found is not None:
            return claim.found.value
        return self._fill(key, claim, compute)

    def increment(self, name: str, window_s: float) -> Count | None:
        """Count a hit in the window that its first hit opens, or None on a fault."""
        try:
            reply: Any = self._coordination.run(
                COUNT, [self._prefix + name], [max(1, round(window_s * 1000))]
            )
        except TransientError:
            return None
        hits, left_ms = reply
        return Count(hits, left_ms / 1000)

    def invalidate(self, entities: Sequence[Entity]) -> int:
        """Forget all that belongs to the entities; how many entries were removed."""
        indexed = [entity for entity in entities if entity.indexed]
        fault: TransientError | None = None
        readings: list[Reading] = []
        try:
            readings = [self._index.read(entity) for entity in indexed]
        except TransientError as error:
            # What the rest can do is done first: no reader of ours meets old values.
            fault = error
        pages = [page for reading in readings for page in reading.pages]
        removed = self._entries.end_epochs(entities, pages) if entities else 0
        for reading in readings:
            with suppress(TransientError):  # names without entries age
                self._index.strike(reading)
        if fault is not None:
            raise fault
        return removed

    def close(self) -> None:
        """Wait a moment for what is computed beside its callers."""
        self._refreshes.close()

    def _await_claim(self, key: CacheKey[T], wait_s: float) -> Claim[T] | None:
        """A claim that is granted or finds a value; None when there is none in time."""
        deadline = time.monotonic() + wait_s
        poll_s = FIRST_POLL_S
        while True:
            try:
                claim = self._entries.claim(key)
            except TransientError:
                return None
            if claim.found is not None:
                if claim.granted:
                    self._release(key, claim)
                return claim
            left_s = deadline - time.monotonic()
            if claim.granted:
                return claim
            if left_s <= 0:
                return None
            time.sleep(min(poll_s, left_s))
            poll_s = min(2 * poll_s, LONGEST_POLL_S)

    def _refresh(
        self, key: CacheKey[T], compute: Callable[[], T], refresh_s: float
    ) -> None:
        """Compute beside the caller, if nobody does and nobody just has."""
        try:
            claim = self._entries.claim(key)
        except TransientError:
            return
        if not claim.granted:
            return
        is_fresh = claim.found is not None and not _is_due(key, claim.found, refresh_s)
        if is_fresh or not self._refreshes.start(
            lambda: self._fill(key, claim, compute)
        ):
            self._release(key, claim)

    def _fill(self, key: CacheKey[T], claim: Claim[T], compute: Callable[[], T]) -> T:
        """Compute under a claim, and store what came out if it still may be."""
        may_store = self._note(key, claim)
        try:
            value = compute()
        except BaseException:
            self._release(key, claim)
            raise
        if may_store:
            self._store(key, claim, value)
        return value

    def _note(self, key: CacheKey[Any], claim: Claim[Any]) -> bool:
        """Make an entry findable before there is one; whether it is."""
        try:
            self._index.note(key.found_by_index, self._entries.name(key))
        except TransientError:
            self._release(key, claim)
            return False
        return True

    def _store(self, key: CacheKey[T], claim: Claim[T], value: T) -> bool:
        try:
            return self._entries.store(key, claim, value)
        except TransientError:
            self._release(key, claim)
        except ValueError as error:
            _tell(key, error)
            self._release(key, claim)
        return False

    def _release(self, key: CacheKey[Any], claim: Claim[Any]) -> None:
        with suppress(TransientError):  # it expires
            self._entries.release(key, claim)


def _is_due(key: CacheKey[T], found: Found[T], refresh_s: float) -> bool:
    """Whether a value is so near its end that it is computed anew."""
    # Who asks for more than a value's life would have it computed at every look.
    window_ms = min(refresh_s * 1000, ttl_ms(key, found.value) * REFRESH_SHARE)
    return found.left_ms is not None and found.left_ms < window_ms


def _tell(key: CacheKey[Any], error: ValueError) -> None:
    # Neither the whole name nor the error's text: both may hold what a log must not.
    kind = key.name.partition(":")[0]
    logger.warning("a value of %s was not cached: %s", kind, type(error).__name__)
