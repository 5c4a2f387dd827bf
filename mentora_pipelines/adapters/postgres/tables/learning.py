"""Learning: what students watch, ask, answer, hand in and are rewarded for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mentora_pipelines.adapters.postgres.repository.columns import Json
from mentora_pipelines.adapters.postgres.repository.declaration import Table


@dataclass(frozen=True, slots=True)
class ChatSessionRow:
    """One conversation with the assistant."""

    id: UUID
    creator_id: UUID
    student_id: UUID
    video_id: UUID | None
    title: str | None
    created_at: datetime
    ended_at: datetime | None
    updated_at: datetime
    version: int


CHAT_SESSIONS = Table("chat_sessions", ChatSessionRow)


@dataclass(frozen=True, slots=True)
class ChatMessageRow:
    """What was said in a conversation."""

    id: UUID
    creator_id: UUID
    session_id: UUID
    role: str
    content: str
    citations: Json
    created_at: datetime


CHAT_MESSAGES = Table("chat_messages", ChatMessageRow)


@dataclass(frozen=True, slots=True)
class VideoProgressRow:
    """How far a student got in a lesson; times in seconds."""

    id: UUID
    creator_id: UUID
    student_id: UUID
    video_id: UUID
    position_s: float
    watched_s: float
    completed_at: datetime | None
    last_watched: datetime
    created_at: datetime
    updated_at: datetime
    version: int


VIDEO_PROGRESS = Table(
    "video_progress", VideoProgressRow, identity=("student_id", "video_id")
)


@dataclass(frozen=True, slots=True)
class QuizAttemptRow:
    """One time that a student took a quiz."""

    id: UUID
    creator_id: UUID
    student_id: UUID
    quiz_id: UUID
    answers: Json
    score: float
    max_score: float
    passed: bool
    created_at: datetime


QUIZ_ATTEMPTS = Table("quiz_attempts", QuizAttemptRow)


@dataclass(frozen=True, slots=True)
class ProjectSubmissionRow:
    """A work that a student handed in."""

    id: UUID
    creator_id: UUID
    student_id: UUID
    video_id: UUID | None
    title: str
    submission_url: str
    status: str
    feedback: str | None
    submitted_at: datetime
    updated_at: datetime
    version: int


PROJECT_SUBMISSIONS = Table("project_submissions", ProjectSubmissionRow)


@dataclass(frozen=True, slots=True)
class AchievementRow:
    """What students can be rewarded for."""

    id: UUID
    creator_id: UUID
    code: str
    title: str
    description: str
    xp: int
    created_at: datetime
    updated_at: datetime
    version: int


ACHIEVEMENTS = Table("achievements", AchievementRow, identity=("creator_id", "code"))


@dataclass(frozen=True, slots=True)
class StudentAchievementRow:
    """One reward of one student."""

    id: UUID
    creator_id: UUID
    student_id: UUID
    achievement_id: UUID
    xp_earned: int
    unlocked_at: datetime


STUDENT_ACHIEVEMENTS = Table(
    "student_achievements",
    StudentAchievementRow,
    identity=("student_id", "achievement_id"),
)
