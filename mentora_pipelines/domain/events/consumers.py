"""Consumers: what each event sets off.

Here belong the effects, one method per event, each harmless when repeated. Not
here: retries and parking (`consumption`), or how a run is launched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.events.consumption import Consumer
from mentora_pipelines.domain.events.effects import (
    Effect,
    LessonRun,
    MetricsRun,
    QuizRun,
    Stay,
    Wait,
)
from mentora_pipelines.domain.events.outbox import Event, EventOutbox, EventOutcome
from mentora_pipelines.domain.events.payloads import (
    DailyAggregate,
    EmailSend,
    QuizGenerationRequested,
    UploadCompleted,
    VideoDeleted,
)
from mentora_pipelines.domain.operations.mail import MailWriter, new_mail
from mentora_pipelines.domain.operations.mail_variables import MailTemplate
from mentora_pipelines.domain.uploads import run_key_of
from mentora_pipelines.domain.videos import Video, VideoCatalogue
from mentora_pipelines.errors import ErrorCode, InvalidInput

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

QUIZZES_AN_HOUR = 5
"""Quizzes that one creator gets in any hour; the next one waits."""

UNPUBLISHED_WAIT = timedelta(minutes=2)
"""How long a quiz waits before it looks again whether its lesson is there."""

UNPUBLISHED_LIMIT = timedelta(days=2)
"""How long it waits in all."""


@runtime_checkable
class EventSubjects(VideoCatalogue, Protocol):
    """What events are about, across creators."""

    def request_quiz_when_published(self, video_id: UUID) -> None:
        """Remember that the lesson gets a quiz as soon as readers see it."""
        ...

    def answer_with_stored_quiz(
        self, video_id: UUID, question_count: int, requested_as: UUID
    ) -> bool:
        """Answer a request with a quiz of the published words, if there is one."""
        ...

    def delete_video(self, video_id: UUID, creator_id: UUID) -> bool:
        """Remove a video with all that was made of it; whether there was one."""
        ...


@runtime_checkable
class RunCanceller(Protocol):
    """Ends runs that nobody needs."""

    def cancel_runs(self, video_id: UUID) -> int:
        """Stop all that waits or works on a video; how many there were."""
        ...


@dataclass
class Consumers:
    """The effects of one tick at `now`, over the ports they need."""

    outbox: EventOutbox
    subjects: EventSubjects
    runs: RunCanceller
    mail: MailWriter
    now: datetime
    starts_per_minute: int
    _starts_left: int | None = field(default=None, init=False)
    _quizzes_wanted: dict[UUID, int] = field(default_factory=dict, init=False)

    def by_name(self) -> Mapping[str, Consumer]:
        """The consumers of this tick; deletions first, since they cancel runs."""
        return {
            VideoDeleted.name: self.video_deleted,
            UploadCompleted.name: self.upload_completed,
            QuizGenerationRequested.name: self.quiz_requested,
            DailyAggregate.name: self.day_wanted,
            EmailSend.name: self.mail_wanted,
        }

    def upload_completed(self, event: Event, payload: UploadCompleted) -> Effect:
        """A run of the lesson, unless a newer upload took its place."""
        video = self._owned(payload.video_id, payload.creator_id)
        number = payload.upload_number
        if number is not None and number != video.upload_number:
            return EventOutcome.NOTHING_TO_DO
        if video.is_settled and video.source_etag == video.upload_etag:
            return EventOutcome.NOTHING_TO_DO
        if not self._may_start():
            return Stay()
        if payload.auto_generate_quiz:
            self.subjects.request_quiz_when_published(video.id)
        requeue = f"~{payload.requeue}" if payload.requeue else ""
        return LessonRun(video, f"{run_key_of(video)}{requeue}{event.again}")

    def quiz_requested(self, event: Event, payload: QuizGenerationRequested) -> Effect:
        """A run of the quiz, once the lesson is published; five an hour a creator."""
        video = self._owned(payload.video_id, payload.creator_id)
        if video.published_transcript_id is None:
            if self.now - event.created_at > UNPUBLISHED_LIMIT:
                raise InvalidInput("the lesson was never published")
            return Wait(self.now + UNPUBLISHED_WAIT)
        if self.subjects.answer_with_stored_quiz(
            video.id, payload.question_count, payload.quiz_id
        ):
            return EventOutcome.NOTHING_TO_DO
        wanted = self._quizzes_wanted.get(video.creator_id, 0)
        launched = self.outbox.launched_since(
            QuizGenerationRequested.name, self.now - HOUR, video.creator_id
        )
        free = QUIZZES_AN_HOUR - len(launched) - wanted
        if free <= 0:
            # The oldest of the hour leaves it first.
            oldest = launched[0] if launched else self.now
            return Wait(oldest + HOUR)
        self._quizzes_wanted[video.creator_id] = wanted + 1
        return QuizRun(
            video,
            key=f"quiz {event.id}{event.again}",
            question_count=payload.question_count,
            requested_as=payload.quiz_id,
        )

    def day_wanted(self, event: Event, payload: DailyAggregate) -> Effect:
        """The metrics of a day, which must have begun (UTC)."""
        if payload.date > self.now.date():
            raise InvalidInput("date: the day has not begun")
        return MetricsRun(payload.date, key=f"metrics {event.id}{event.again}")

    def mail_wanted(self, event: Event, payload: EmailSend) -> Effect:
        """A mail in the outbox; what the platform knows of its video is filled in."""
        variables = dict(payload.variables)
        named = variables.get("videoId")
        if payload.template == MailTemplate.VIDEO_PROCESSING_FAILED and named:
            video = self.subjects.video(_uuid(named, "variables.videoId"))
            variables = {
                "title": video.title,
                "code": video.error_code or ErrorCode.INTERNAL,
                "uploadNumber": video.upload_number,
                **variables,
            }
        written = self.mail.write(
            new_mail(
                payload.template,
                subject_id=str(named or event.creator_id or event.deduplication_key),
                recipient=payload.to,
                variables=variables,
                creator_id=event.creator_id,
            )
        )
        return EventOutcome.HANDLED if written else EventOutcome.NOTHING_TO_DO

    def video_deleted(self, _event: Event, payload: VideoDeleted) -> Effect:
        """Its runs end, its rows go, its blobs are marked for collection."""
        self.runs.cancel_runs(payload.video_id)
        if self.subjects.delete_video(payload.video_id, payload.creator_id):
            return EventOutcome.HANDLED
        return EventOutcome.NOTHING_TO_DO

    def _owned(self, video_id: UUID, creator_id: UUID) -> Video:
        """The video; raises `NotFound`, and `InvalidInput` when it is another's."""
        video = self.subjects.video(video_id)
        if video.creator_id != creator_id:
            raise InvalidInput("creatorId: the video belongs to somebody else")
        return video

    def _may_start(self) -> bool:
        """Whether another lesson may start in this minute; takes the place."""
        if self._starts_left is None:
            started = self.outbox.launched_since(
                UploadCompleted.name, self.now - MINUTE
            )
            self._starts_left = self.starts_per_minute - len(started)
        if self._starts_left <= 0:
            return False
        self._starts_left -= 1
        return True


def _uuid(value: object, field_name: str) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise InvalidInput(f"{field_name} is not an id") from None
