"""Which cached names belong to an entity, on the server that does not evict.

One sorted set per entity: names by the time of their writing. Not here: the entries,
or why the steps are safe in their order (`scripts`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.scripts import NOTE, READ, STRIKE
from mentora_pipelines.domain.caching.cache import INDEXED_TTL_S, Entity

STEP_NAMES = 1000
"""Names handled in one step, in which the server answers nobody else: half a
millisecond."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The names that were in an index before it was read, and when that was.

    Each of `pages` holds names in lines, as the servers take them.
    """

    entity: Entity
    pages: list[bytes]
    upto: bytes


class EntityIndex:
    """Names by entity; every method raises `TransientError` on a fault.

    `delay_ms` is how long after its name an entry may still be stored.
    """

    def __init__(self, server: ValkeyServer, prefix: str, delay_ms: int) -> None:
        self._server = server
        self._prefix = prefix
        self._lives_ms = INDEXED_TTL_S * 1000 + delay_ms

    def note(self, entities: Iterable[Entity], name: str) -> None:
        """Write a name into the indexes, before there is an entry."""
        indexes = [self._index_of(entity) for entity in entities]
        if indexes:
            self._server.run(NOTE, indexes, [name, self._lives_ms])

    def read(self, entity: Entity) -> Reading:
        """Every name that was there before the call.

        Names written meanwhile may or may not be among them.
        """
        pages: list[bytes] = []
        cursor, upto = b"0", b""
        while True:
            reply: Any = self._server.run(
                READ, [self._index_of(entity)], [cursor, STEP_NAMES]
            )
            cursor, last, lines = reply
            upto = upto or last
            if lines:
                pages.append(lines)
            if cursor == b"0":
                return Reading(entity, pages, upto)

    def strike(self, reading: Reading) -> None:
        """Remove the names that nobody wrote since they were read."""
        struck = STEP_NAMES
        while struck == STEP_NAMES:
            struck = self._server.run(
                STRIKE,
                [self._index_of(reading.entity)],
                [reading.upto, STEP_NAMES],
            )

    def _index_of(self, entity: Entity) -> str:
        return f"{self._prefix}cache-index:{entity.name}"
