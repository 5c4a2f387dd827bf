"""Analytics: what happened, by fact and by day."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from mentora_pipelines.adapters.postgres.repository.columns import Json
from mentora_pipelines.adapters.postgres.repository.declaration import Table


@dataclass(frozen=True, slots=True)
class AnalyticsEventRow:
    """One fact; what happened before we heard of it keeps its own time."""

    id: UUID
    creator_id: UUID | None
    student_id: UUID | None
    video_id: UUID | None
    event_name: str
    properties: Json
    created_at: datetime
    ingested_at: datetime


ANALYTICS_EVENTS = Table(
    "analytics_events",
    AnalyticsEventRow,
    key=("created_at", "id"),
    server_columns=frozenset({"ingested_at"}),
    left_out={"amount": "follows from name and properties; added up in SQL"},
)


@dataclass(frozen=True, slots=True)
class DailyMetricsRow:
    """One day of one creator, or of the whole platform."""

    id: UUID
    metric_date: date
    creator_id: UUID | None
    active_students: int
    sessions: int
    watch_minutes: float
    lessons_started: int
    lessons_completed: int
    quiz_attempts: int
    quiz_average_score: float | None
    quiz_pass_rate: float | None
    chat_messages: int
    achievements: int
    new_students: int
    processing_minutes: float
    processing_failures: int
    ai_cost_usd: Decimal
    computed_at: datetime
    events: int
    malformed_events: int
    newest_event_at: datetime | None


# Counted from the facts by the server; the id follows from day and creator.
DAILY_METRICS = Table(
    "daily_metrics",
    DailyMetricsRow,
    read_only=True,
    left_out={"active_student_ids": "as long as the day was busy; rolled up in SQL"},
)
