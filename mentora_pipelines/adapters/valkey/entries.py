"""Entries of the cache: one step each, in the words of the cache.

Here belong names, bytes and scripts. Not here: the order of the steps (`cache`), or
what follows from a fault: every function raises `TransientError`.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.scripts import CLAIM, RELEASE, REMOVE, STORE
from mentora_pipelines.domain.caching.cache import CacheKey, Entity
from mentora_pipelines.domain.caching.keys import DAY_S, SHORT_S

T = TypeVar("T")

LEASE_MS = 10_000
"""A computation that takes longer is not stored, and another may begin: this is also
how long a key waits for a process that died while it computed."""

MAX_VALUE_BYTES = 1 << 20
"""Larger ones are not stored: moving one keeps a server from answering others."""

EPOCH_MS = 2 * DAY_S * 1000
"""Longer than any TTL; an epoch that is gone makes its values misses."""

JITTER = 0.1
"""Values stored together expire apart: each up to this share before its TTL, never
after it."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A value that may be served, and how long it may: None is for ever."""

    value: T
    left_ms: int | None


@dataclass(frozen=True, slots=True)
class Claim(Generic[T]):
    """What stands under a key, and whether this caller may compute it anew."""

    token: str
    granted: bool
    epochs: tuple[str, ...]
    found: Found[T] | None


class Entries:
    """The entries of one server under one prefix."""

    def __init__(self, server: ValkeyServer, prefix: str) -> None:
        self._server = server
        self._prefix = prefix

    def look(self, keys: Sequence[CacheKey[T]]) -> list[Found[T] | None]:
        """What may be served under each key; one round trip."""
        names = [self.name(key) for key in keys]
        marks = sorted({self._epoch(e) for key in keys for e in key.entities})
        with self._server.asked() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.mget(names + marks)
            if len(keys) == 1:
                pipeline.pttl(names[0])
            stored, *left = pipeline.execute()
        epochs = dict(zip(marks, stored[len(keys) :], strict=True))
        return [
            _found(
                key,
                value,
                [epochs[self._epoch(entity)] for entity in key.entities],
                left[0] if left else -1,
            )
            for key, value in zip(keys, stored[: len(keys)], strict=True)
        ]

    def open_epochs(self, key: CacheKey[Any]) -> tuple[str, ...]:
        """The present epochs of a key's entities, made where there are none."""
        if not key.entities:
            return ()
        names = [self._epoch(entity) for entity in key.entities]
        with self._server.asked() as client:
            pipeline = client.pipeline(transaction=False)
            for name in names:
                pipeline.set(name, secrets.token_hex(8), px=EPOCH_MS, nx=True)
            pipeline.mget(names)
            *_, epochs = pipeline.execute()
        # One that ended between the two commands is no proof of anything.
        return tuple(epoch.decode() if epoch else "" for epoch in epochs)

    def claim(self, key: CacheKey[T], *, by_force: bool = False) -> Claim[T]:
        """Ask for the lease of a key; by force, it is taken from whoever holds it."""
        token = secrets.token_hex(16)
        reply: Any = self._server.run(
            CLAIM,
            self._names_of(key),
            [
                token,
                LEASE_MS,
                EPOCH_MS,
                int(by_force),
                *(secrets.token_hex(8) for _ in key.entities),
            ],
        )
        granted, stored, left_ms, *epochs = reply
        return Claim(
            token,
            bool(granted),
            tuple(epoch.decode() for epoch in epochs),
            _found(key, stored, epochs, left_ms),
        )

    def store(self, key: CacheKey[T], claim: Claim[T], value: T) -> bool:
        """Store under a claim if it still stands; raises `ValueError` as the codec."""
        payload = _payload(key, value, claim.epochs)
        arguments = [claim.token, _life_ms(key, value), payload, *claim.epochs]
        return bool(self._server.run(STORE, self._names_of(key), arguments))

    def release(self, key: CacheKey[Any], claim: Claim[Any]) -> None:
        """Let another compute."""
        self._server.run(RELEASE, [self._lease(self.name(key))], [claim.token])

    def put(self, values: Sequence[tuple[CacheKey[T], T]]) -> int:
        """Store values that belong to no entity; raises `ValueError` as the codec."""
        with self._server.asked() as client:
            pipeline = client.pipeline(transaction=False)
            for key, value in values:
                if key.entities:
                    raise ValueError("what can change is stored under a claim")
                payload = _payload(key, value, ())
                pipeline.set(self.name(key), payload, px=_life_ms(key, value) or None)
            pipeline.unlink(*(self._lease(self.name(key)) for key, _ in values))
            return sum(map(bool, pipeline.execute()[:-1]))

    def forget(self, key: CacheKey[Any]) -> bool:
        """Remove an entry and whatever computation of it is under way."""
        name = self.name(key)
        with self._server.asked() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.unlink(self._lease(name))
            pipeline.unlink(name)
            return bool(pipeline.execute()[1])

    def end_epochs(self, entities: Sequence[Entity], pages: Sequence[bytes]) -> int:
        """Make all values of the entities misses, stored or under way; remove them.

        `pages` holds full names in lines, beside those that follow from the entities.
        Returns how many entries there were.
        """
        # Epochs are removed and not replaced: a full server allows nothing else.
        names = [self._epoch(entity) for entity in entities]
        names += [self._prefix + name for entity in entities for name in entity.keys]
        first, *others = pages or [b""]
        removed = self._server.run(REMOVE, names, [len(entities), first])
        for page in others:
            removed += self._server.run(REMOVE, [], [0, page])
        return int(removed)

    def name(self, key: CacheKey[Any]) -> str:
        """The full name of an entry."""
        return self._prefix + key.name

    def _names_of(self, key: CacheKey[Any]) -> list[str]:
        name = self.name(key)
        return [name, self._lease(name), *map(self._epoch, key.entities)]

    def _lease(self, name: str) -> str:
        return f"{self._prefix}cache-lease:{name}"

    def _epoch(self, entity: Entity) -> str:
        return f"{self._prefix}cache-epoch:{entity.name}"


def _payload(key: CacheKey[T], value: T, epochs: Sequence[str]) -> bytes:
    payload = key.codec.encode(value, epochs)
    if len(payload) > MAX_VALUE_BYTES:
        raise ValueError(f"{len(payload)} bytes are too many for the cache")
    return payload


def ttl_ms(key: CacheKey[Any], value: object) -> int:
    """How long a value is served at most; 0 is for ever.

    That there is nothing is remembered for a minute at most: what appears is missed
    more than what goes, and it may appear without an event.
    """
    ttl_s = key.ttl_s
    if value is None:
        ttl_s = SHORT_S if ttl_s is None else min(ttl_s, SHORT_S)
    return 1000 * (ttl_s or 0)


def _life_ms(key: CacheKey[Any], value: object) -> int:
    whole_ms = ttl_ms(key, value)
    return whole_ms - secrets.randbelow(int(whole_ms * JITTER) + 1)


def _found(
    key: CacheKey[T],
    stored: bytes | None,
    epochs: Sequence[bytes | None],
    left_ms: int,
) -> Found[T] | None:
    """The value, if it can be read and is of the present epochs."""
    if stored is None:
        return None
    try:
        decoded = key.codec.decode(stored)
    except ValueError:
        return None
    if [mark.encode() for mark in decoded.epochs] != list(epochs):
        return None
    return Found(decoded.value, left_ms if left_ms >= 0 else None)
