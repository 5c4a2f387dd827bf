"""Where commands find the quiz that somebody names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from mentora_pipelines.domain.quizzes.life import EditableQuizzes, quiz_of
from mentora_pipelines.domain.quizzes.quizzes import Quiz
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import NotFound
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.providers.quizzes import open_quiz_desk


@dataclass(frozen=True, slots=True)
class QuizPlace:
    """A quiz with its lesson, and the store of its creator."""

    quiz_id: UUID
    video: Video
    lessons: EditableQuizzes

    @property
    def quiz(self) -> Quiz:
        """The quiz as it is now."""
        return quiz_of(self.video, self.quiz_id, self.lessons)


@contextmanager
def opened(name: UUID) -> Iterator[QuizPlace]:
    """The quiz behind an id or a request; raises `NotFound` with the reason."""
    quiz_id, video_id = place_of(name)
    with open_catalogue() as catalogue, open_lessons() as lessons:
        yield QuizPlace(quiz_id, catalogue.video(video_id), lessons)


def place_of(name: UUID) -> tuple[UUID, UUID]:
    """The ids of the quiz and of its video; raises `NotFound` with the reason."""
    with open_quiz_desk() as desk:
        place = desk.place(name)
        reason = desk.reason(name) if place is None else None
    if place is not None:
        return place
    if reason is not None:
        raise NotFound(f"no quiz came of request {name}: {reason}")
    raise NotFound(f"there is no quiz {name}")
