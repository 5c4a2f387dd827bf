"""The cache as its users see it: typed keys, a miss that is not None, two ports.

Here belong the values and promises of the cache. Not here: which keys exist (`keys`),
what a change makes stale (`invalidation`), or how a server keeps any of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from mentora_pipelines.errors import PermanentError

T = TypeVar("T")
U = TypeVar("U")

INDEXED_TTL_S = 3600
"""The longest TTL of a key that is found through an index, which remembers names only
so long."""

WAIT_S = 5.0
"""How long a caller waits for another's computation before it makes its own."""


class Codec(Protocol[T]):
    """Turns a value into bytes and back.

    `epochs` are opaque marks that come back as they were given.
    """

    def encode(self, value: T, epochs: Sequence[str]) -> bytes:
        """The bytes to store; raises `ValueError` for what is not a `T`."""
        ...

    def decode(self, stored: bytes) -> "Decoded[T]":
        """The value; raises `ValueError` for other bytes, or another schema version."""
        ...


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """A value and the marks it was stored with."""

    value: T
    epochs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entity:
    """Something whose change makes cached values stale: a student, a video.

    `keys` are the names that follow from its id, which an invalidation removes by
    name. Only an `indexed` entity has values under other names, as a list's pages:
    those are found through its index.
    """

    name: str
    keys: tuple[str, ...] = ()
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class CacheKey(Generic[T]):
    """Where a value lies, what it looks like and how long it is served at most.

    `ttl_s` is in seconds, None for a value that never becomes wrong: one named by its
    content, which belongs to no entity.
    """

    name: str
    codec: Codec[T]
    ttl_s: int | None
    entities: tuple[Entity, ...] = ()

    def __post_init__(self) -> None:
        kind = self.name.partition(":")[0]
        if self.ttl_s is None and self.entities:
            raise PermanentError(f"{kind}: what can change needs a TTL")
        if self.found_by_index and (self.ttl_s or 0) > INDEXED_TTL_S:
            raise PermanentError(f"{kind}: its index would forget it before its TTL")
        if not all(e.indexed or self.name in e.keys for e in self.entities):
            raise PermanentError(f"{kind}: an invalidation would not find this key")

    @property
    def found_by_index(self) -> tuple[Entity, ...]:
        """The entities whose invalidation does not know this key by its name."""
        return tuple(e for e in self.entities if self.name not in e.keys)

    def holding(self, codec: Codec[U]) -> "CacheKey[U]":
        """The same place for a value of another shape."""
        return CacheKey(self.name, codec, self.ttl_s, self.entities)


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing is cached. None is not a miss: it says that there is nothing to cache.

    Given to `Cache.set` it proves that the value was read afterwards, so that one
    read before an invalidation is not stored after it.
    """

    epochs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Hits in a window, this one included, and seconds until the window ends."""

    hits: int
    resets_in_s: float


@runtime_checkable
class Cache(Protocol):
    """Remembers what is dear to compute; forgets at will, never fails its caller.

    Without its server every `get` is a miss, nothing is stored, and a call costs one
    bounded attempt, or none while the server is left alone. Nothing older than its
    TTL or than an invalidation is ever returned.
    """

    def get(self, key: CacheKey[T]) -> T | Miss:
        """The value, or a `Miss`."""
        ...

    def get_many(self, keys: Sequence[CacheKey[T]]) -> list[T | Miss]:
        """A value or a `Miss` for each key, in one round trip.

        These misses prove nothing to `set`.
        """
        ...

    def set(self, key: CacheKey[T], value: T, *, since: Miss | None = None) -> bool:
        """Store a value; whether it was.

        A value that was read from a store is given with the `Miss` that came before:
        it is not stored when the entity has changed since. Without one, the caller
        vouches for the value. A computation under way will not overwrite it.
        """
        ...

    def set_many(self, values: Sequence[tuple[CacheKey[T], T]]) -> int:
        """Store values that belong to no entity, in one round trip; how many were."""
        ...

    def delete(self, key: CacheKey[Any]) -> bool:
        """Forget one value and any computation of it under way; whether there was one.

        A fault is silent here: what must not be lost calls `CacheInvalidator`.
        """
        ...

    def get_or_compute(
        self,
        key: CacheKey[T],
        compute: Callable[[], T],
        *,
        refresh_s: float = 0.0,
        wait_s: float = WAIT_S,
    ) -> T:
        """The value, computed by one caller of all processes when it is missing.

        The others wait for it, at most `wait_s`, and then compute their own. In the
        last `refresh_s` seconds of its life (at most a quarter of it) the old value
        is returned at once while one `compute` runs in a thread of its own, so that
        it must not need the caller's transaction. Raises only what `compute` raises.
        """
        ...

    def increment(self, name: str, window_s: float) -> Count | None:
        """Count a hit in the window that its first hit opens, or None on a fault."""
        ...


@runtime_checkable
class CacheInvalidator(Protocol):
    """Forgets what a change has made stale."""

    def invalidate(self, entities: Sequence[Entity]) -> int:
        """Forget all that belongs to the entities; how many entries were removed.

        From its return on nobody reads a value of before, nor can one be stored.
        Raises `TransientError` when that is not certain: call it again.
        """
        ...
