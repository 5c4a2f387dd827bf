"""Operations: what is to be handled, who holds a video, mail, health and costs."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from mentora_pipelines.adapters.postgres.repository.columns import BigInt, Json
from mentora_pipelines.adapters.postgres.repository.declaration import Table


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
    status: str
    attempts: int
    next_attempt_at: datetime
    handled_at: datetime | None
    dead_reason: str | None
    outcome: str | None
    replays: int


EVENTS = Table("events", EventRow, identity=("name", "deduplication_key"))


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """Who works on a video, until when."""

    video_id: UUID
    creator_id: UUID
    owner: str
    until: datetime
    fencing_token: BigInt
    acquired_at: datetime


# A token that only grows is taken by a statement of its own.
LEASES = Table("leases", LeaseRow, key=("video_id",), read_only=True)


@dataclass(frozen=True, slots=True)
class OrphanedBlobRow:
    """One object in storage whose video is gone."""

    storage_key: str
    creator_id: UUID
    upload_etag: str | None
    orphaned_at: datetime
    asked_at: datetime | None


ORPHANED_BLOBS = Table(
    "orphaned_blobs", OrphanedBlobRow, key=("storage_key",), read_only=True
)


@dataclass(frozen=True, slots=True)
class EmailRow:
    """One mail to send."""

    id: UUID
    creator_id: UUID | None
    template: str
    subject_id: str
    recipient: str
    variables: Json
    payload_fingerprint: str
    message_id: str
    status: str
    attempts: int
    next_attempt_at: datetime
    sent_at: datetime | None
    error_code: str | None
    created_at: datetime
    envelope_id: UUID | None


EMAIL_OUTBOX = Table(
    "email_outbox", EmailRow, identity=("template", "subject_id", "payload_fingerprint")
)


@dataclass(frozen=True, slots=True)
class HealthCheckRow:
    """One look at whether a video can still be reached."""

    id: UUID
    creator_id: UUID
    video_id: UUID
    checked_at: datetime
    outcome: str
    http_status: int | None
    latency_ms: float | None
    detail: str | None
    look_id: UUID | None
    told: bool


CONTENT_HEALTH_CHECKS = Table("content_health_checks", HealthCheckRow)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One call to a provider."""

    id: UUID
    creator_id: UUID | None
    video_id: UUID | None
    provider: str
    model: str
    operation: str
    input_units: float
    output_units: float
    unit: str
    cost_usd: Decimal | None
    price_version: str | None
    status: str
    created_at: datetime
    settled_at: datetime | None


AI_USAGE = Table("ai_usage", UsageRow)


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """What a creator may use up in a month."""

    creator_id: UUID
    limit_usd: Decimal | None
    limit_minutes: float | None
    created_at: datetime
    updated_at: datetime
    version: int


BUDGETS = Table("budgets", BudgetRow, key=("creator_id",))


@dataclass(frozen=True, slots=True)
class BudgetHoldRow:
    """What is set aside of a budget for a step that works."""

    id: UUID
    creator_id: UUID
    video_id: UUID
    operation: str
    usd: Decimal
    minutes: float
    held_at: datetime


# Taken in the creator's turn, by statements of its own.
BUDGET_HOLDS = Table(
    "budget_holds",
    BudgetHoldRow,
    identity=("video_id", "operation"),
    read_only=True,
)


@dataclass(frozen=True, slots=True)
class StageTimingRow:
    """What one try of a stage took, or a part of it."""

    id: UUID
    creator_id: UUID
    video_id: UUID
    run_id: str
    stage: str
    part: str | None
    attempt: int
    calls: int
    duration_s: float
    video_duration_s: float | None
    failed: bool
    error_code: str | None
    recorded_at: datetime


STAGE_TIMINGS = Table("stage_timings", StageTimingRow, read_only=True)


@dataclass(frozen=True, slots=True)
class PlatformHealthRow:
    """One look at one part of the platform."""

    id: UUID
    look_id: UUID
    checked_at: datetime
    part: str
    is_well: bool
    latency_ms: float | None
    value: float | None
    threshold: float | None
    detail: str
    streak: int
    is_alarmed: bool
    told: bool


PLATFORM_HEALTH_CHECKS = Table(
    "platform_health_checks", PlatformHealthRow, tenant=None, read_only=True
)
