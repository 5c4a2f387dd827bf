from collections.abc import Sequence
from dataclasses import replace

import pytest

from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.questions import Question, QuestionKind
from mentora_pipelines.domain.lessons.quizzes import QuizStatus, write_quiz
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.errors import NotFound
from tests.fakes import PENDING_VIDEO, FakeLessonStore
from tests.lessons import chunks_of, transcript_of

LESSON = transcript_of(
    [
        "Glucose is a simple sugar that gives the plant energy.",
        "Starch is a long chain of glucose units.",
    ]
)
PUBLISHED = replace(
    PENDING_VIDEO, staged_transcript_id=LESSON.id, published_transcript_id=LESSON.id
)
SOUND = Question(
    kind=QuestionKind.FILL_IN,
    prompt="_____ is a simple sugar that gives the plant energy.",
    options=(),
    answer="glucose",
    quote=LESSON.segments[0].text,
    chunk_index=0,
    start_s=LESSON.segments[0].start_s,
    end_s=LESSON.segments[0].end_s,
)
INVENTED = replace(SOUND, quote="Glucose was found in 1747.", answer="1747")


class FakeWriter:
    """Satisfies `QuizWriter`: proposes what it is told to, and counts."""

    def __init__(self, *questions: Question, fingerprint: str = "writer/1") -> None:
        self.fingerprint = fingerprint
        self.calls = 0
        self._questions = questions

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], question_count: int
    ) -> list[Question]:
        """What it was told, of the published words."""
        assert transcript == LESSON
        assert [chunk.index for chunk in chunks] == [0]
        self.calls += 1
        return list(self._questions)[:question_count]


@pytest.fixture
def store() -> FakeLessonStore:
    """A store with the published lesson and its chunks."""
    made = FakeLessonStore()
    made.add_transcript(PUBLISHED, LESSON)
    made.replace_chunks(PUBLISHED, LESSON.id, chunks_of(LESSON))
    return made


def test_the_same_request_twice_is_one_quiz(store: FakeLessonStore) -> None:
    """Else every re-run pays for a quiz and fills the creator's list."""
    writer = FakeWriter(SOUND)
    first = write_quiz(PUBLISHED, 10, writer=writer, store=store)
    again = write_quiz(PUBLISHED, 10, writer=writer, store=store)
    assert (first.written, again.written) == (True, False)
    assert (first.quiz_id, first.questions) == (again.quiz_id, again.questions)
    assert writer.calls == len(store.quizzes(PUBLISHED)) == 1


def test_another_request_is_another_quiz(store: FakeLessonStore) -> None:
    """Else who asks for more questions gets the old quiz back."""
    write_quiz(PUBLISHED, 10, writer=FakeWriter(SOUND), store=store)
    write_quiz(PUBLISHED, 5, writer=FakeWriter(SOUND), store=store)
    other = FakeWriter(SOUND, fingerprint="writer/2")
    write_quiz(PUBLISHED, 10, writer=other, store=store)
    assert len(store.quizzes(PUBLISHED)) == 3


def test_a_quiz_is_a_draft_about_the_published_words(store: FakeLessonStore) -> None:
    """Else students see a quiz that its creator has not."""
    write_quiz(PUBLISHED, 10, writer=FakeWriter(SOUND), store=store)
    quiz = store.quizzes(PUBLISHED)[0]
    assert (quiz.status, quiz.transcript_id) == (QuizStatus.DRAFT, LESSON.id)
    assert quiz.questions == (SOUND,)


def test_what_is_refused_is_kept_with_its_reason(store: FakeLessonStore) -> None:
    """Else an invented question is shown, or nobody learns why one is missing."""
    writer = FakeWriter(INVENTED, SOUND, SOUND)
    figures = write_quiz(PUBLISHED, 10, writer=writer, store=store)
    assert (figures.questions, figures.refused) == (1, 2)
    assert store.quizzes(PUBLISHED)[0].questions == (SOUND,)
    (invented, why), (twice, again) = store.refused[figures.quiz_id]
    assert (invented, twice) == (INVENTED, SOUND)
    assert "does not stand in the transcript" in why
    assert "already" in again


def test_a_lesson_that_is_not_published_gets_no_quiz(store: FakeLessonStore) -> None:
    """Else a quiz asks about words that no student can see."""
    writer = FakeWriter(SOUND)
    staged = replace(PUBLISHED, published_transcript_id=None)
    with pytest.raises(NotFound, match="run `published_lessons`"):
        write_quiz(staged, 10, writer=writer, store=store)
    assert writer.calls == 0
