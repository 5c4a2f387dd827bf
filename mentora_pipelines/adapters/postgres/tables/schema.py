"""Every declared table, and those of the schema that are left out, with the reason."""

from typing import Any

from mentora_pipelines.adapters.postgres.repository.declaration import Table
from mentora_pipelines.adapters.postgres.tables.analytics import (
    ANALYTICS_EVENTS,
    DAILY_METRICS,
)
from mentora_pipelines.adapters.postgres.tables.learning import (
    ACHIEVEMENTS,
    CHAT_MESSAGES,
    CHAT_SESSIONS,
    PROJECT_SUBMISSIONS,
    QUIZ_ATTEMPTS,
    STUDENT_ACHIEVEMENTS,
    VIDEO_PROGRESS,
)
from mentora_pipelines.adapters.postgres.tables.lessons import (
    CAPTION_TRACKS,
    EMBEDDING_GENERATIONS,
    PAID_ANSWERS,
    QUIZ_QUESTION_EDITS,
    QUIZ_QUESTIONS,
    QUIZ_REQUESTS,
    QUIZZES,
    RECOGNISED_WINDOWS,
    TRANSCRIPT_CHUNKS,
    TRANSCRIPTS,
    VIDEO_CAPTIONS,
    VIDEO_CHUNKS,
    VIDEOS,
)
from mentora_pipelines.adapters.postgres.tables.operations import (
    AI_USAGE,
    BUDGET_HOLDS,
    BUDGETS,
    CONTENT_HEALTH_CHECKS,
    EMAIL_OUTBOX,
    EVENTS,
    LEASES,
    ORPHANED_BLOBS,
    PLATFORM_HEALTH_CHECKS,
    STAGE_TIMINGS,
)
from mentora_pipelines.adapters.postgres.tables.people import (
    CREATORS,
    MEMBERSHIP_ANSWERS,
    MEMBERSHIPS,
    STUDENTS,
)

TABLES: tuple[Table[Any], ...] = (
    CREATORS,
    STUDENTS,
    MEMBERSHIPS,
    MEMBERSHIP_ANSWERS,
    VIDEOS,
    TRANSCRIPTS,
    RECOGNISED_WINDOWS,
    CAPTION_TRACKS,
    TRANSCRIPT_CHUNKS,
    VIDEO_CHUNKS,
    VIDEO_CAPTIONS,
    EMBEDDING_GENERATIONS,
    QUIZZES,
    QUIZ_QUESTION_EDITS,
    QUIZ_QUESTIONS,
    QUIZ_REQUESTS,
    PAID_ANSWERS,
    CHAT_SESSIONS,
    CHAT_MESSAGES,
    VIDEO_PROGRESS,
    QUIZ_ATTEMPTS,
    PROJECT_SUBMISSIONS,
    ACHIEVEMENTS,
    STUDENT_ACHIEVEMENTS,
    EVENTS,
    LEASES,
    ORPHANED_BLOBS,
    EMAIL_OUTBOX,
    CONTENT_HEALTH_CHECKS,
    AI_USAGE,
    BUDGETS,
    BUDGET_HOLDS,
    STAGE_TIMINGS,
    PLATFORM_HEALTH_CHECKS,
    ANALYTICS_EVENTS,
    DAILY_METRICS,
)

UNDECLARED: dict[str, str] = {
    "alembic_version": "belongs to the migrations",
    "chunk_embeddings": "vectors have a writer of their own and are searched in SQL",
}
