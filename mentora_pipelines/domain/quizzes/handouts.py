"""Handouts: a quiz as it leaves the platform, with links to the moments it is about.

Here belong what is handed out and in which formats. Not here: any format itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.quizzes import Quiz


class HandoutFormat(StrEnum):
    """What a quiz can be handed out as."""

    GIFT = "gift"
    QTI = "qti"
    JSON = "json"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Handout:
    """A quiz and what is shown of its lesson; `lesson_url` is None without links."""

    quiz: Quiz
    video_id: UUID
    title: str
    language: str
    lesson_url: str | None = None

    def moment(self, question: Question) -> str | None:
        """Where the lesson plays what the question is about, if there are links."""
        if self.lesson_url is None:
            return None
        return f"{self.lesson_url}?t={int(question.start_s)}"


@runtime_checkable
class HandoutPrinter(Protocol):
    """Turns a quiz into a file."""

    def print(self, handout: Handout, wanted: HandoutFormat) -> bytes:
        """The content of the file: UTF-8 text, for QTI a ZIP package."""
        ...
