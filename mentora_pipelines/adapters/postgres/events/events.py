"""Rows of `events`, written in the transaction of their cause."""

from uuid import UUID

from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.domain.events.payloads import Payload
from mentora_pipelines.domain.identity import event_id_of

INSERT_EVENT = """
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
values (
    %(id)s, %(name)s, %(schema_version)s, %(deduplication_key)s, %(creator_id)s,
    %(payload)s)
on conflict do nothing
"""


def write_event(
    connection: Connection,
    payload: Payload,
    *,
    deduplication_key: str,
    creator_id: UUID | None,
) -> bool:
    """Add an event unless one of this name and deduplication key exists; whether."""
    written = connection.execute(
        INSERT_EVENT,
        {
            "id": event_id_of(payload.name, deduplication_key),
            "name": payload.name,
            "schema_version": payload.schema_version,
            "deduplication_key": deduplication_key,
            "creator_id": creator_id,
            "payload": Jsonb(payload.on_the_wire()),
        },
    )
    return written.rowcount > 0
