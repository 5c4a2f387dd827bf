"""Consumers: what each event sets off.

Here belong the effects, one method per event, each harmless when repeated. Not
here: retries and parking (`consumption`), or how a run is launched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.analytics.daily_metrics import FIRST_DAY
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
    MembershipChanged,
    QuizGenerationRequested,
    TranscriptEdited,
    UploadCompleted,
    VideoDeleted,
)
from mentora_pipelines.domain.lessons.edits import parse_edit
from mentora_pipelines.domain.lessons.versions import VersionStore, store_edit
from mentora_pipelines.domain.memberships.memberships import Membership
from mentora_pipelines.domain.operations.mail import MailWriter, new_mail
from mentora_pipelines.domain.operations.mail_variables import MailTemplate
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.turns import QUIZZES_AN_HOUR, WRITING_LIMIT
from mentora_pipelines.domain.uploads import run_key_of
from mentora_pipelines.domain.videos import ProcessingStatus, Video, VideoCatalogue
from mentora_pipelines.errors import ErrorCode, InvalidInput, NotFound

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

QUIZ_WAIT = timedelta(seconds=30)
"""How long a request waits before it looks again for a quiz that is being written."""

UNPUBLISHED_WAIT = timedelta(minutes=2)
"""How long a quiz or an edit waits before it looks again at its lesson."""

UNPUBLISHED_LIMIT = timedelta(days=2)
"""How long it waits in all."""


@runtime_checkable
class EventSubjects(VideoCatalogue, Protocol):
    """What events are about, across creators."""

    def request_quiz(self, video: Video) -> None:
        """Let the upload have one quiz, as soon as readers see its lesson."""
        ...

    def answer_with_stored_quiz(
        self, video_id: UUID, wishes: QuizWishes, requested_as: UUID
    ) -> bool:
        """Answer a request with a quiz of the published words, if there is one."""
        ...

    def answer_with_known_reason(
        self, video_id: UUID, wishes: QuizWishes, requested_as: UUID, asked_at: datetime
    ) -> bool:
        """Answer a request with why a run gave no such quiz, if one ended since."""
        ...

    def is_quiz_being_written(
        self, video_id: UUID, wishes: QuizWishes, within: timedelta
    ) -> bool:
        """Whether a run was started for this quiz in the last `within`."""
        ...

    def delete_video(self, video: Video, asked_at: datetime) -> None:
        """Remove a video with all that was made of it, if it is there.

        An upload that was stored after `asked_at` is taken for a new one.
        """
        ...


@runtime_checkable
class RunCanceller(Protocol):
    """Ends runs that nobody needs."""

    def cancel_runs(self, video_id: UUID) -> int:
        """Stop all that waits or works on a video; how many there were."""
        ...


@runtime_checkable
class MembershipWriter(Protocol):
    """Where what Whop tells is kept."""

    def store(self, creator_id: UUID, memberships: Sequence[Membership]) -> int:
        """Insert and update, each unless more is known already; rows written."""
        ...


@dataclass
class Consumers:
    """The effects of one tick at `now`, over the ports they need.

    A consumer raises `InvalidInput` or `NotFound` for an event that can have no effect:
    it is parked.
    """

    outbox: EventOutbox
    subjects: EventSubjects
    runs: RunCanceller
    mail: MailWriter
    versions: VersionStore
    memberships: MembershipWriter
    now: datetime
    starts_per_minute: int
    _starts_left: int | None = field(default=None, init=False)
    _asked: set[str] = field(default_factory=set, init=False)
    _quizzes_wanted: dict[UUID, int] = field(default_factory=dict, init=False)

    def by_name(self) -> Mapping[str, Consumer]:
        """The consumers of this tick; deletions first, since they cancel runs."""
        return {
            VideoDeleted.name: self.video_deleted,
            UploadCompleted.name: self.upload_completed,
            TranscriptEdited.name: self.transcript_edited,
            QuizGenerationRequested.name: self.quiz_requested,
            DailyAggregate.name: self.day_wanted,
            EmailSend.name: self.mail_wanted,
            MembershipChanged.name: self.membership_changed,
        }

    def upload_completed(self, event: Event, payload: UploadCompleted) -> Effect:
        """A run of the lesson, unless a newer upload took its place."""
        video = self._owned(event, payload.video_id, payload.creator_id)
        number = payload.upload_number
        if number is not None and number != video.upload_number:
            return EventOutcome.NOTHING_TO_DO
        if payload.auto_generate_quiz:
            self.subjects.request_quiz(video)
        if video.is_settled and video.source_etag == video.upload_etag:
            return EventOutcome.NOTHING_TO_DO
        key = run_key_of(video)
        if payload.requeue:
            key += f"~{payload.requeue}"
        elif video.processing_status is ProcessingStatus.FAILED:
            # A run key is launched once, for ever: this one asks for another try.
            key += f"!{event.id}"
        key += event.again
        if key in self._asked or (
            video.processing_status is ProcessingStatus.PROCESSING and not event.replays
        ):
            return EventOutcome.NOTHING_TO_DO
        if not self._may_start():
            return Stay()
        self._asked.add(key)
        return LessonRun(video, key)

    def quiz_requested(self, event: Event, payload: QuizGenerationRequested) -> Effect:
        """A run of the quiz, once the lesson is published; five an hour a creator.

        Of requests for the same quiz one starts a run, and only it counts. When that
        gives none, those that waited for it are told why: who asks after it, or asks
        anew, starts another run.
        """
        video = self._owned(event, payload.video_id, payload.creator_id)
        if video.published_transcript_id is None:
            if self.now - event.created_at > UNPUBLISHED_LIMIT:
                raise InvalidInput("the lesson was never published")
            return Wait(self.now + UNPUBLISHED_WAIT)
        wishes = payload.wishes
        if self.subjects.answer_with_stored_quiz(video.id, wishes, payload.quiz_id):
            return EventOutcome.NOTHING_TO_DO
        if not event.replays and self.subjects.answer_with_known_reason(
            video.id, wishes, payload.quiz_id, event.created_at
        ):
            return EventOutcome.NOTHING_TO_DO
        same = f"quiz {video.id} {wishes.question_count} {wishes.key}"
        if same in self._asked or self.subjects.is_quiz_being_written(
            video.id, wishes, WRITING_LIMIT
        ):
            # Whoever asks for the same quiz gets it as soon as it is there.
            return Wait(self.now + QUIZ_WAIT)
        wanted = self._quizzes_wanted.get(video.creator_id, 0)
        launched = self.outbox.launched_within(
            QuizGenerationRequested.name, HOUR, video.creator_id
        )
        if len(launched) + wanted >= QUIZZES_AN_HOUR:
            # The oldest of the hour leaves it first.
            return Wait(self.now + HOUR - (launched[0] if launched else timedelta()))
        self._quizzes_wanted[video.creator_id] = wanted + 1
        self._asked.add(same)
        return QuizRun(
            video,
            # A request that was forgotten comes back under the same id.
            key=f"quiz {event.id}@{event.created_at.timestamp():.0f}{event.again}",
            wishes=wishes,
            requested_as=payload.quiz_id,
        )

    def transcript_edited(self, event: Event, payload: TranscriptEdited) -> Effect:
        """A new version of the words, and a run of what follows from them.

        The edit must name its base: told twice, it would be applied to its own result.
        """
        video = self._owned(event, payload.video_id, payload.creator_id)
        edit = parse_edit(payload.edit)
        if edit.base_version is None:
            raise InvalidInput("edit.baseVersion is missing")
        if video.processing_status is ProcessingStatus.PROCESSING:
            if self.now - event.created_at > UNPUBLISHED_LIMIT:
                raise InvalidInput("the lesson was never at rest")
            return Wait(self.now + UNPUBLISHED_WAIT)
        store_edit(video, edit, self.versions)
        return LessonRun(video, f"edit {event.id}{event.again}", from_words=True)

    def day_wanted(self, event: Event, payload: DailyAggregate) -> Effect:
        """The metrics of a day, which must be over (UTC)."""
        if not FIRST_DAY <= payload.date < self.now.date():
            raise InvalidInput(f"date: not a day from {FIRST_DAY} till yesterday")
        return MetricsRun(payload.date, key=f"metrics {event.id}{event.again}")

    def mail_wanted(self, event: Event, payload: EmailSend) -> Effect:
        """A mail in the outbox; what the platform knows of its video is filled in."""
        variables = dict(payload.variables)
        named = variables.get("videoId")
        if payload.template == MailTemplate.VIDEO_PROCESSING_FAILED and named:
            video = self.subjects.video(_uuid(named, "variables.videoId"))
            if event.creator_id not in (None, video.creator_id):
                raise InvalidInput("variables.videoId: the video is somebody else's")
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

    def membership_changed(self, event: Event, payload: MembershipChanged) -> Effect:
        """The row of one membership, unless a later telling is stored.

        What is told twice, or late, changes nothing; the cache follows the row.
        """
        if event.creator_id not in (None, payload.creator_id):
            raise InvalidInput("creatorId: the membership is somebody else's")
        told = Membership(
            payload.membership_id,
            payload.user_id,
            payload.company_id,
            payload.product_id,
            payload.status,
            payload.valid_until,
            payload.changed_at,
            payload.told_at,
            payload.is_over,
        )
        written = self.memberships.store(payload.creator_id, [told])
        return EventOutcome.HANDLED if written else EventOutcome.NOTHING_TO_DO

    def video_deleted(self, event: Event, payload: VideoDeleted) -> Effect:
        """Its runs end, its rows go, its blobs are marked for collection.

        A video that was uploaded after it was deleted is another one.
        """
        try:
            video = self._owned(event, payload.video_id, payload.creator_id)
        except NotFound:
            return EventOutcome.NOTHING_TO_DO
        if video.created_at > event.created_at:
            return EventOutcome.NOTHING_TO_DO
        self.runs.cancel_runs(video.id)
        self.subjects.delete_video(video, event.created_at)
        return EventOutcome.HANDLED

    def _owned(self, event: Event, video_id: UUID, creator_id: UUID) -> Video:
        """The video that an event is about.

        Raises `NotFound`, and `InvalidInput` when it is not the creator's who told the
        event: row-level security guards the event's own creator, not its payload.
        """
        video = self.subjects.video(video_id)
        if video.creator_id != creator_id or event.creator_id not in (None, creator_id):
            raise InvalidInput("creatorId: the video belongs to somebody else")
        return video

    def _may_start(self) -> bool:
        """Whether another lesson may start in this minute; takes the place."""
        if self._starts_left is None:
            started = self.outbox.launched_within(UploadCompleted.name, MINUTE)
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
