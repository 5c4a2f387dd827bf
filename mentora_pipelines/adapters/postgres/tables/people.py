"""People: creators, and who learns from them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mentora_pipelines.adapters.postgres.columns import Json
from mentora_pipelines.adapters.postgres.declaration import Table


@dataclass(frozen=True, slots=True)
class CreatorRow:
    """A person who uploads lessons."""

    id: UUID
    email: str
    settings: Json
    created_at: datetime
    updated_at: datetime
    version: int


CREATORS = Table("creators", CreatorRow, tenant="id")
