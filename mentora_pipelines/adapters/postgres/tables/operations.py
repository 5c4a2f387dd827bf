"""Operations: what happened, what is to be sent, what it cost."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mentora_pipelines.adapters.postgres.columns import Json
from mentora_pipelines.adapters.postgres.declaration import Table


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of the outbox."""

    id: UUID
    name: str
    schema_version: int
    deduplication_key: str
    creator_id: UUID | None
    payload: Json
    created_at: datetime


EVENTS = Table("events", EventRow, identity=("name", "deduplication_key"))
