"""People: creators, their students, and what those bought."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mentora_pipelines.adapters.postgres.repository.columns import Json
from mentora_pipelines.adapters.postgres.repository.declaration import Table


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


@dataclass(frozen=True, slots=True)
class StudentRow:
    """A person who learns from a creator."""

    id: UUID
    creator_id: UUID
    email: str
    display_name: str | None
    onboarding_completed: bool
    last_active: datetime | None
    xp: int
    created_at: datetime
    updated_at: datetime
    version: int


# Experience points are the sum of the rewards, added up where those are given.
STUDENTS = Table(
    "students",
    StudentRow,
    changeable=frozenset(
        {"email", "display_name", "onboarding_completed", "last_active"}
    ),
)


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """What a user bought from a creator."""

    id: UUID
    creator_id: UUID
    user_id: str
    product_id: str
    student_id: UUID | None
    external_id: str | None
    status: str
    valid_until: datetime | None
    closed_at: datetime | None
    synced_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int
    company_id: str | None
    granted_at: datetime | None
    changed_at: datetime | None


MEMBERSHIPS = Table(
    "memberships", MembershipRow, identity=("creator_id", "external_id")
)


@dataclass(frozen=True, slots=True)
class MembershipAnswerRow:
    """What Whop's access check said last about a user and a product."""

    creator_id: UUID
    user_id: str
    resource_id: str
    granted: bool
    is_staff: bool
    answered_at: datetime


# Of two answers the later one counts, which a statement of its own sees to.
MEMBERSHIP_ANSWERS = Table(
    "membership_answers",
    MembershipAnswerRow,
    key=("creator_id", "user_id", "resource_id"),
    read_only=True,
)
