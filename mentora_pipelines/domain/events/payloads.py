"""Payloads: the fields of each event, as the web application sends them.

Names are camelCase on the wire. Fields that are not named here are kept in the
outbox and ignored; a missing or malformed one makes the event invalid.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from mentora_pipelines.domain.identity import event_id_of
from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    QuizWishes,
)
from mentora_pipelines.errors import InvalidInput

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]

MAX_QUESTIONS = 50
"""Questions that may be asked for in one quiz."""

MAX_EDITION = 99
"""Other quizzes that may be asked for about the same words."""

MAX_XP = 100_000
"""Points of one achievement: a bigger figure is a mistake or a forgery."""


class Payload(BaseModel):
    """What an event says; `name` and `schema_version` tell how to read it."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        frozen=True,
        extra="ignore",
        # A refused value may be a mail address or a line of a transcript.
        hide_input_in_errors=True,
    )

    name: ClassVar[str]
    schema_version: ClassVar[int] = 1

    def on_the_wire(self) -> dict[str, Any]:
        """The payload as JSON values, named as the web application names them."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class UploadCompleted(Payload):
    """A creator's file is in storage.

    `upload_number` is ours: an event of an upload that was replaced starts nothing.
    `duration` in seconds, as the browser measured it.
    """

    name: ClassVar[str] = "video/upload.completed"

    video_id: UUID
    creator_id: UUID
    video_url: Text
    duration: float | None = Field(None, ge=0, allow_inf_nan=False)
    creator_email: Text | None = None
    auto_generate_quiz: bool = False
    upload_number: int | None = Field(None, ge=1)
    requeue: int = Field(0, ge=0)


class TranscriptionCompleted(Payload):
    """A version of a lesson is shown to readers."""

    name: ClassVar[str] = "video/transcription.completed"

    video_id: UUID
    transcript_url: Text
    transcript_version: UUID | None = None


class QuizGenerationRequested(Payload):
    """Somebody wants a quiz; `quiz_id` is the name under which they look for it.

    `difficulty`, `bloom_level` and `edition` are ours: a later edition asks for other
    questions about the same words.
    """

    name: ClassVar[str] = "quiz/generation.requested"

    quiz_id: UUID
    video_id: UUID
    creator_id: UUID
    question_count: int = Field(10, ge=1, le=MAX_QUESTIONS)
    difficulty: Difficulty | None = None
    bloom_level: BloomLevel | None = None
    edition: int = Field(0, ge=0, le=MAX_EDITION)

    @property
    def wishes(self) -> QuizWishes:
        """What the quiz is to be like."""
        return QuizWishes(
            self.question_count, self.difficulty, self.bloom_level, self.edition
        )


class AchievementUnlocked(Payload):
    """A student has earned an achievement."""

    name: ClassVar[str] = "student/achievement.unlocked"

    student_id: UUID
    achievement_id: UUID
    # A number as a number: "10" and true are mistakes of the sender.
    xp_earned: int = Field(strict=True, ge=0, le=MAX_XP)


class DailyAggregate(Payload):
    """The metrics of a day (UTC) are wanted now."""

    name: ClassVar[str] = "analytics/daily.aggregate"

    date: date


class EmailSend(Payload):
    """A mail is wanted: the name of a template and what fills it."""

    name: ClassVar[str] = "email/send"

    to: Text
    template: Text
    variables: dict[str, Any] = Field(default_factory=dict)


class TranscriptEdited(Payload):
    """A creator has corrected a transcript; `edit` is read by `parse_edit`."""

    name: ClassVar[str] = "video/transcript.edited"

    video_id: UUID
    creator_id: UUID
    edit: dict[str, Any]


class VideoDeleted(Payload):
    """A creator has removed a lesson."""

    name: ClassVar[str] = "video/deleted"

    video_id: UUID
    creator_id: UUID


class MembershipChanged(Payload):
    """Whop tells of a membership, at `told_at`; it changed at `changed_at`.

    `is_over`: it ended, whatever its status is called.
    """

    name: ClassVar[str] = "membership/changed"

    creator_id: UUID
    membership_id: Text
    user_id: Text
    company_id: Text
    product_id: Text
    status: Text
    is_over: bool = False
    valid_until: AwareDatetime | None = None
    changed_at: AwareDatetime
    told_at: AwareDatetime


PAYLOADS: dict[str, type[Payload]] = {
    payload.name: payload
    for payload in (
        UploadCompleted,
        TranscriptionCompleted,
        QuizGenerationRequested,
        AchievementUnlocked,
        DailyAggregate,
        EmailSend,
        TranscriptEdited,
        VideoDeleted,
        MembershipChanged,
    )
}
"""Every event that a consumer reads; rows `change/…` are written by triggers."""


def parse_payload(
    name: str, schema_version: int, payload: Mapping[str, object]
) -> Payload:
    """The typed payload of an event; raises `InvalidInput` that says what is wrong."""
    model = PAYLOADS.get(name)
    if model is None:
        raise InvalidInput("unknown event")
    if schema_version != model.schema_version:
        raise InvalidInput(
            f"schema version {schema_version}, only {model.schema_version} is known"
        )
    try:
        return model.model_validate(dict(payload))
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'payload'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise InvalidInput("; ".join(faults)) from None


def quiz_request_id(deduplication_key: str) -> UUID:
    """Under which name a quiz that nobody has named is looked for."""
    return event_id_of(QuizGenerationRequested.name, deduplication_key)
