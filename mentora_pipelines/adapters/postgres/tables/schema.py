"""Every declared table, and those of the schema that are left out, with the reason."""

from typing import Any

from mentora_pipelines.adapters.postgres.declaration import Table
from mentora_pipelines.adapters.postgres.tables.lessons import (
    CAPTION_TRACKS,
    EMBEDDING_GENERATIONS,
    QUIZ_QUESTIONS,
    QUIZZES,
    TRANSCRIPT_CHUNKS,
    TRANSCRIPTS,
    VIDEO_CHUNKS,
    VIDEOS,
)
from mentora_pipelines.adapters.postgres.tables.operations import EVENTS
from mentora_pipelines.adapters.postgres.tables.people import CREATORS

TABLES: tuple[Table[Any], ...] = (
    CREATORS,
    VIDEOS,
    TRANSCRIPTS,
    CAPTION_TRACKS,
    TRANSCRIPT_CHUNKS,
    VIDEO_CHUNKS,
    EMBEDDING_GENERATIONS,
    QUIZZES,
    QUIZ_QUESTIONS,
    EVENTS,
)

UNDECLARED: dict[str, str] = {
    "alembic_version": "belongs to the migrations",
    "chunk_embeddings": "vectors have a writer of their own and are searched in SQL",
}
