"""The life of a quiz: approved, published, edited, discarded, stale.

Here belong which change of state is allowed and what an edit must pass. Not here: when
a quiz becomes stale, which follows from publishing a transcript.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.lessons.transcripts import TranscriptStore
from mentora_pipelines.domain.quizzes.conflicts import Conflicts, TextEmbedder
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizReader, QuizStatus
from mentora_pipelines.domain.quizzes.validation import Validator
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import Conflict, InvalidInput, NotFound

BEFORE: Mapping[QuizStatus, tuple[QuizStatus, ...]] = {
    QuizStatus.APPROVED: (QuizStatus.DRAFT,),
    QuizStatus.PUBLISHED: (QuizStatus.APPROVED,),
    QuizStatus.DISCARDED: (QuizStatus.DRAFT, QuizStatus.APPROVED, QuizStatus.STALE),
}
"""Out of which states a person may move a quiz into another: what students take is not
thrown away."""

NEVER = frozenset({FaultCode.FORM, FaultCode.OPTIONS, FaultCode.NOT_QUOTED})
"""What no edit may bring: such a question cannot be shown, or has no evidence. Of the
other rules a person is told, and may know better."""


@dataclass(frozen=True, slots=True)
class EditedQuestion:
    """A question as it was before its edit `number` (from 1)."""

    number: int
    edited_at: datetime
    before: Question


@runtime_checkable
class QuizShelf(QuizReader, Protocol):
    """The quizzes of a video, as their creator works with them."""

    def move_quiz(
        self, video: Video, quiz_id: UUID, before: QuizStatus, after: QuizStatus
    ) -> bool:
        """Change the state if it is still `before`; whether it was."""
        ...

    def edit_question(
        self, video: Video, quiz_id: UUID, position: int, old: Question, new: Question
    ) -> bool:
        """Put `new` in the place of `old` and keep `old`; whether it still stood there.

        `position` counts from 0.
        """
        ...

    def question_history(
        self, video: Video, quiz_id: UUID, position: int
    ) -> list[EditedQuestion]:
        """What a question was before each of its edits, the latest first."""
        ...


class EditableQuizzes(QuizShelf, TranscriptStore, Protocol):
    """What an edit reads and writes."""


def quiz_of(video: Video, quiz_id: UUID, shelf: QuizReader) -> Quiz:
    """One quiz of a video; raises `NotFound`."""
    for quiz in shelf.quizzes(video):
        if quiz.id == quiz_id:
            return quiz
    raise NotFound(f"video {video.id} has no quiz {quiz_id}")


def move_quiz(video: Video, quiz_id: UUID, after: QuizStatus, shelf: QuizShelf) -> Quiz:
    """The quiz in its new state; what it is already stays.

    Raises `Conflict` when the state before is another one than `BEFORE` asks for, or
    somebody changed it at the same time, `InvalidInput` for a quiz without questions.
    """
    quiz = quiz_of(video, quiz_id, shelf)
    if quiz.status is after:
        return quiz
    needed = BEFORE[after]
    if quiz.status not in needed:
        advice = (
            "its lesson was changed: `mentora quiz regenerate` writes a new one"
            if quiz.status is QuizStatus.STALE
            else f"only one that is {' or '.join(needed)} can become {after}"
        )
        raise Conflict(f"quiz {quiz_id} is {quiz.status}: {advice}")
    if not quiz.questions and after is not QuizStatus.DISCARDED:
        raise InvalidInput(f"quiz {quiz_id} has no question")
    if not shelf.move_quiz(video, quiz_id, quiz.status, after):
        raise Conflict(f"quiz {quiz_id} was changed meanwhile: look at it again")
    return replace(quiz, status=after)


def edit_question(
    video: Video,
    quiz_id: UUID,
    position: int,
    changed: Question,
    store: EditableQuizzes,
    *,
    embedder: TextEmbedder,
) -> tuple[Fault, ...]:
    """Put an edited question in its place; returns what a teacher should look at.

    That is also what the other questions of the quiz ask already, or contradict. The
    question before is kept. A quiz stays in its state: who edits it is who approved it.
    Raises `InvalidInput` for faults of `NEVER`, `NotFound` for a position that is not
    there, `Conflict` when somebody edited it meanwhile, or nobody is to take it.
    """
    quiz = quiz_of(video, quiz_id, store)
    if not 0 <= position < len(quiz.questions):
        raise NotFound(f"quiz {quiz_id} has {len(quiz.questions)} questions")
    if quiz.status is QuizStatus.STALE:
        raise Conflict(f"quiz {quiz_id} is stale: its lesson says something else")
    if quiz.status is QuizStatus.DISCARDED:
        raise Conflict(f"quiz {quiz_id} is discarded")
    # The times of a question are those of the words that readers see.
    version = video.published_transcript_id or quiz.transcript_id
    validator = Validator(store.transcript(video, version))
    faults = validator.faults(changed)
    grave = [str(fault) for fault in faults if fault.code in NEVER]
    if grave:
        raise InvalidInput("; ".join(grave))
    old = quiz.questions[position]
    if changed != old and not store.edit_question(
        video, quiz_id, position, old, changed
    ):
        raise Conflict(f"question {position + 1} was changed meanwhile: look again")
    conflicts = Conflicts(validator.vocabulary, embedder)
    conflicts.read([*quiz.questions, changed])
    for place, other in enumerate(quiz.questions):
        if place != position:
            conflicts.add(other)
    conflict = conflicts.fault(changed)
    return faults if conflict is None else (*faults, conflict)
