"""What a person sees of an asset or a trigger in the UI, beside its own words.

Here belong owners, tables and their columns. Not here: what a run reports.
`columns.json` is written from the comments of the schema by `tests.column_schemas`,
so that no process reads the database for it.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import dagster as dg

COLUMNS = Path(__file__).with_name("columns.json")

LESSONS, ANALYTICS, OPERATIONS = "team:lessons", "team:analytics", "team:operations"

TABLES: dict[str, str] = {
    "transcripts": "transcripts",
    "captions": "caption_tracks",
    "chunks": "transcript_chunks",
    "embeddings": "chunk_embeddings",
    "published_lessons": "video_chunks",
    "quizzes": "quiz_questions",
    "daily_metrics": "daily_metrics",
    "search_index": "embedding_generations",
    "memberships": "memberships",
    "content_health": "content_health_checks",
    "platform_health": "platform_health_checks",
    "tables/transcripts": "transcripts",
    "tables/video_chunks": "video_chunks",
    "tables/chunk_embeddings": "chunk_embeddings",
    "tables/quiz_questions": "quiz_questions",
    "tables/analytics_events": "analytics_events",
}
"""Where the rows of an asset are; `audio` has none, it is an object in storage."""


def team(owner: str) -> dict[str, str]:
    """Who is asked about a sensor or a schedule: their `owners` are in beta."""
    return {"team": owner.removeprefix("team:")}


def table_metadata(asset: str) -> dict[str, str | dg.TableSchema]:
    """The table that holds the rows of an asset, and what its columns mean."""
    table = TABLES[asset]
    return {
        "dagster/table_name": table,
        "dagster/column_schema": _schema(table),
    }


def _schema(table: str) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                str(column["name"]),
                type=str(column["type"]),
                description=str(column["description"]),
                constraints=dg.TableColumnConstraints(nullable=not column["required"]),
            )
            for column in _columns()[table]
        ]
    )


@cache
def _columns() -> Mapping[str, list[dict[str, object]]]:
    found: Mapping[str, list[dict[str, object]]] = json.loads(
        COLUMNS.read_text(encoding="utf-8")
    )
    return found
