"""Effects: what an event sets off, in words that know no orchestrator."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

from mentora_pipelines.domain.events.outbox import EventOutcome
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.videos import Video


@dataclass(frozen=True, slots=True)
class LessonRun:
    """A run that makes the lesson of a video; `key` is launched once, for ever.

    `from_words` is set when the words stand already (an edit), so that only what
    follows from them is made.
    """

    video: Video
    key: str
    from_words: bool = False


@dataclass(frozen=True, slots=True)
class QuizRun:
    """A run that writes a quiz about a published lesson."""

    video: Video
    key: str
    wishes: QuizWishes
    requested_as: UUID


@dataclass(frozen=True, slots=True)
class MetricsRun:
    """A run that aggregates a day (UTC) anew."""

    day: date
    key: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before `until`: no failure, only too early."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Stay:
    """Its turn has not come: leave the event as it is."""


Launch: TypeAlias = LessonRun | QuizRun | MetricsRun
Effect: TypeAlias = Launch | Wait | Stay | EventOutcome
