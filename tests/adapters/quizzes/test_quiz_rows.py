"""Quizzes in the real database: one of each, with a life and a history."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from uuid import UUID, uuid4

import pytest

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.life import edit_question, move_quiz
from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    Question,
    QuestionKind,
    QuizWishes,
)
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.quizzes.writing import write_quiz
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import Conflict, InvalidInput, NotFound
from mentora_pipelines.observability.timers import PerformanceTimer
from tests.fakes import FakeEmbedder
from tests.lessons import chunks_of
from tests.stored_lessons import SENTENCES, stored_lesson, transcript_for

CONCURRENT = 20


class CountingWriter:
    """Satisfies `QuizWriter`: one sound question, and one that never passes."""

    fingerprint = "counting/1"

    def __init__(self) -> None:
        self.calls = 0

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """The same for everybody who asks."""
        assert chunks
        assert wishes.question_count
        self.calls += 1
        segment = transcript.segments[2]
        sound = Question(
            kind=QuestionKind.MULTIPLE_ANSWER,
            prompt="Which of these does cellulose form?",
            options=("The walls", "Cells", "Sugar", "Light"),
            answer="The walls",
            quote=segment.text,
            chunk_index=1,
            start_s=segment.start_s,
            end_s=segment.end_s,
            further_answers=("Cells",),
            difficulty=Difficulty.HARD,
            bloom_level=BloomLevel.ANALYZE,
        )
        return [sound, replace(sound, quote="Nobody said that.")]

    def repair(
        self,
        transcript: Transcript,
        chunks: Sequence[Chunk],
        question: Question,
        faults: Sequence[Fault],
    ) -> Question | None:
        """Nothing better."""
        assert transcript
        assert chunks
        assert question
        assert faults
        return None


@dataclass(frozen=True)
class Desk:
    """A published lesson, its store, and a quiz about it."""

    video: Video
    lessons: PostgresLessons
    catalogue: PostgresCatalogue

    @property
    def quiz(self) -> Quiz:
        """The newest quiz."""
        return self.lessons.quizzes(self.video)[0]

    def publish(self) -> bool:
        """Show readers the staged version."""
        return self.lessons.publish(self.catalogue.video(self.video.id))

    def move(self, status: QuizStatus) -> Quiz:
        """Move it into a state."""
        return move_quiz(self.video, self.quiz.id, status, self.lessons)

    def edit(self, **changes: object) -> tuple[Fault, ...]:
        """Edit its first question."""
        changed = replace(self.quiz.questions[0], **changes)  # type: ignore[arg-type]
        video = self.catalogue.video(self.video.id)
        return edit_question(
            video, self.quiz.id, 0, changed, self.lessons, embedder=FakeEmbedder()
        )


@pytest.fixture
def desk(catalogue: PostgresCatalogue, lessons: PostgresLessons) -> Desk:
    """A lesson of a creator of its own, with a quiz of the counting writer."""
    video = stored_lesson(catalogue, lessons)[0]
    assert lessons.publish(video)
    made = Desk(catalogue.video(video.id), lessons, catalogue)
    write_quiz(
        made.video,
        QuizWishes(5),
        writer=CountingWriter(),
        store=lessons,
        embedder=FakeEmbedder(),
    )
    return made


def test_twenty_concurrent_requests_for_one_quiz_make_one(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else twenty clicks are twenty quizzes, or twenty bills for one."""
    stored = stored_lesson(catalogue, lessons)[0]
    assert lessons.publish(stored)
    video = catalogue.video(stored.id)
    before = {quiz.id for quiz in lessons.quizzes(video)}
    writer, together = CountingWriter(), Barrier(CONCURRENT)

    def ask(requested_as: UUID) -> tuple[UUID, bool]:
        together.wait()
        figures = write_quiz(
            video,
            QuizWishes(7),
            writer=writer,
            store=lessons,
            embedder=FakeEmbedder(),
            requested_as=requested_as,
        )
        return figures.quiz_id, figures.written

    with ThreadPoolExecutor(CONCURRENT) as threads:
        answers = list(threads.map(ask, [uuid4() for _ in range(CONCURRENT)]))
    assert len({quiz_id for quiz_id, _ in answers}) == 1
    assert [written for _, written in answers].count(True) == 1
    assert writer.calls == 1
    after = {quiz.id for quiz in lessons.quizzes(video)}
    assert len(after - before) == 1


def test_the_time_that_a_quiz_takes_is_not_the_databases(desk: Desk) -> None:
    """Else each quiz of a hosted model is told as a database that is slow."""
    timer = PerformanceTimer()
    with timer.measure("quiz"), desk.lessons.writing_alone(desk.video):
        pass
    assert [one.path for one in timer.measurements] == [("quiz",)]
    with timer.measure("quiz"):
        assert desk.lessons.quizzes(desk.video)
    assert ("quiz", "database") in [one.path for one in timer.measurements]


def test_a_question_comes_back_as_it_was_written(desk: Desk) -> None:
    """Else a right option, or its evidence, is lost on the way."""
    (question,) = desk.quiz.questions
    assert question.answers == ("The walls", "Cells")
    assert set(question.distractors) == {"Sugar", "Light"}
    assert question.quote == SENTENCES[2]
    assert question.chunk_index == 1
    assert question.difficulty is Difficulty.HARD
    assert question.bloom_level is BloomLevel.ANALYZE
    assert (desk.quiz.question_count, desk.quiz.wishes) == (5, "")


def test_a_quiz_goes_from_draft_to_approved_to_published(desk: Desk) -> None:
    """Else students see what nobody has read, or what is read never reaches them."""
    with pytest.raises(Conflict, match="only one that is approved"):
        desk.move(QuizStatus.PUBLISHED)
    assert desk.move(QuizStatus.APPROVED).status is QuizStatus.APPROVED
    assert desk.move(QuizStatus.APPROVED).status is QuizStatus.APPROVED
    assert desk.move(QuizStatus.PUBLISHED).status is QuizStatus.PUBLISHED
    with pytest.raises(Conflict, match="is published"):
        desk.move(QuizStatus.APPROVED)
    assert desk.quiz.status is QuizStatus.PUBLISHED


def test_of_two_who_move_a_quiz_one_learns_that_the_other_was_first(
    desk: Desk,
) -> None:
    """Else an approval overwrites what happened since it was looked at."""
    quiz_id = desk.quiz.id
    change = (desk.video, quiz_id, QuizStatus.DRAFT, QuizStatus.APPROVED)
    assert desk.lessons.move_quiz(*change)
    assert not desk.lessons.move_quiz(*change)


def test_a_quiz_without_questions_is_not_approved(desk: Desk) -> None:
    """Else students open an empty page."""
    empty = replace(desk.quiz, id=uuid4(), questions=())
    desk.lessons.add_quiz(desk.video, empty)
    with pytest.raises(InvalidInput, match="has no question"):
        move_quiz(desk.video, empty.id, QuizStatus.APPROVED, desk.lessons)


def test_an_edit_keeps_what_was_before(desk: Desk) -> None:
    """Else nobody can say what students were asked last week."""
    first = desk.quiz.questions[0]
    desk.edit(prompt="What does cellulose form in cells of plants?")
    desk.edit(difficulty=Difficulty.EASY)
    history = desk.lessons.question_history(desk.video, desk.quiz.id, 0)
    assert [entry.number for entry in history] == [2, 1]
    assert history[1].before.prompt == first.prompt
    assert history[0].before.difficulty is Difficulty.HARD
    assert desk.quiz.questions[0].difficulty is Difficulty.EASY
    assert desk.quiz.questions[0].quote == first.quote


def test_only_what_a_question_asks_makes_earlier_answers_another_questions(
    desk: Desk, admin: Connection
) -> None:
    """Else a new label throws away what two hundred students have answered."""

    def edited_at() -> object:
        row = admin.execute(
            "select edited_at from quiz_questions where quiz_id = %s", [desk.quiz.id]
        ).fetchone()
        return row and row[0]

    desk.edit(difficulty=Difficulty.EASY, bloom_level=BloomLevel.REMEMBER)
    assert edited_at() is None
    desk.edit(options=("The walls", "Cells", "Sugar", "Roots"))
    assert edited_at() is not None


def test_an_edit_into_another_question_of_the_quiz_is_told(desk: Desk) -> None:
    """Else a quiz asks the same twice, and only its students notice."""
    (first,) = desk.quiz.questions
    other = replace(first, prompt="What rises?", answer="Water", further_answers=())
    other = replace(other, kind=QuestionKind.SHORT_ANSWER, options=())
    pair = replace(desk.quiz, id=uuid4(), questions=(other, first))
    desk.lessons.add_quiz(desk.video, pair)
    told = edit_question(
        desk.video, pair.id, 0, first, desk.lessons, embedder=FakeEmbedder()
    )
    assert [fault.code for fault in told] == [FaultCode.DUPLICATE]


def test_a_discarded_quiz_is_kept_and_done_with(desk: Desk) -> None:
    """Else a draft that nobody wants is in the way for ever."""
    assert desk.move(QuizStatus.DISCARDED).status is QuizStatus.DISCARDED
    assert len(desk.quiz.questions) == 1
    for move in (
        lambda: desk.move(QuizStatus.APPROVED),
        lambda: desk.edit(prompt="What now?"),
    ):
        with pytest.raises(Conflict, match="is discarded"):
            move()
    version = transcript_for(desk.video, ["Something else."])
    desk.lessons.add_transcript(desk.video, version)
    assert desk.publish()
    assert desk.quiz.status is QuizStatus.DISCARDED


def test_what_students_take_is_not_thrown_away(desk: Desk) -> None:
    """Else the answers of a class are to a quiz that is gone."""
    for status in (QuizStatus.APPROVED, QuizStatus.PUBLISHED):
        desk.move(status)
    with pytest.raises(Conflict, match="is published"):
        desk.move(QuizStatus.DISCARDED)


def test_an_edit_that_changes_nothing_leaves_no_trace(desk: Desk) -> None:
    """Else a history is full of entries that tell nothing."""
    desk.edit()
    assert desk.lessons.question_history(desk.video, desk.quiz.id, 0) == []


def test_an_edit_may_not_break_a_question_but_may_overrule_taste(desk: Desk) -> None:
    """Else a teacher's slip is shown to students, or a teacher is not the master."""
    with pytest.raises(InvalidInput, match="not among the options"):
        desk.edit(answer="Glucose")
    faults = desk.edit(prompt="What does the speaker say that cellulose forms?")
    assert [fault.code for fault in faults] == [FaultCode.OUT_OF_CONTEXT]
    assert "speaker" in desk.quiz.questions[0].prompt
    changed = desk.quiz.questions[0]
    with pytest.raises(NotFound):
        edit_question(
            desk.video, desk.quiz.id, 9, changed, desk.lessons, embedder=FakeEmbedder()
        )


def test_of_two_edits_of_one_question_the_second_is_told(desk: Desk) -> None:
    """Else the later of two teachers overwrites the other one unseen."""
    quiz = desk.quiz
    old = quiz.questions[0]
    one, other = (replace(old, prompt=f"{old.prompt} {n}") for n in "12")
    assert desk.lessons.edit_question(desk.video, quiz.id, 0, old, one)
    assert not desk.lessons.edit_question(desk.video, quiz.id, 0, old, other)
    assert desk.quiz.questions == (one,)


def test_a_quiz_that_is_written_while_an_edit_is_published_is_stale(desk: Desk) -> None:
    """Else students are asked about, and shown, words that nobody says."""
    version = transcript_for(desk.video, [*SENTENCES[:2], *SENTENCES[3:]])

    class SlowWriter(CountingWriter):
        fingerprint = "slow/1"

        def write(
            self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
        ) -> list[Question]:
            """The words are edited while it writes."""
            desk.lessons.add_transcript(desk.video, version)
            assert desk.publish()
            return super().write(transcript, chunks, wishes)

    # It asks the same, and would be refused.
    desk.move(QuizStatus.DISCARDED)
    write_quiz(
        desk.video,
        QuizWishes(5),
        writer=SlowWriter(),
        store=desk.lessons,
        embedder=FakeEmbedder(),
    )
    quiz = desk.quiz
    assert quiz.status is QuizStatus.STALE
    assert [span.quote for span in quiz.changed] == [SENTENCES[2]]


def test_a_question_follows_its_words_to_where_a_new_upload_says_them(
    desk: Desk,
) -> None:
    """Else every link of a quiz jumps wrong from the day the lesson gets an intro."""
    before = desk.quiz.questions[0]
    version = transcript_for(desk.video, ["Welcome to a long course.", *SENTENCES])
    version = replace(version, id=uuid4())
    desk.lessons.add_transcript(desk.video, version)
    desk.lessons.replace_chunks(desk.video, version.id, chunks_of(version, 1))
    assert desk.publish()
    assert desk.quiz.status is QuizStatus.DRAFT
    (question,) = desk.quiz.questions
    said = version.segments[3]
    assert said.text == question.quote
    assert before.end_s < said.end_s
    assert (question.start_s, question.end_s) == (said.start_s, said.end_s)
    assert question.chunk_index == 3
    # The words of this version are what an edit is held against.
    assert not desk.edit(difficulty=Difficulty.EASY)


def test_a_stale_quiz_says_where_the_lesson_changed(
    desk: Desk, catalogue: PostgresCatalogue
) -> None:
    """Else a creator hunts through an hour of video for one changed word."""
    said = "Lignin forms the walls of wood."
    version = transcript_for(desk.video, [*SENTENCES[:2], said, *SENTENCES[3:]])
    desk.lessons.add_transcript(desk.video, version)
    assert desk.lessons.publish(catalogue.video(desk.video.id))
    quiz = desk.quiz
    assert quiz.status is QuizStatus.STALE
    (span,) = quiz.changed
    assert span.question_id == quiz.question_ids[0]
    assert (span.quote, span.now) == (SENTENCES[2], said)
    question = quiz.questions[0]
    assert (span.start_s, span.end_s) == (question.start_s, question.end_s)
    with pytest.raises(Conflict, match="regenerate"):
        desk.move(QuizStatus.APPROVED)
    with pytest.raises(Conflict, match="stale"):
        desk.edit(prompt="What now?")


def test_the_quizzes_of_another_creator_are_not_there(
    desk: Desk, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a creator approves, or edits, the quiz of another."""
    strangers = stored_lesson(catalogue, lessons)[0]
    stolen = replace(strangers, id=desk.video.id)
    assert lessons.quizzes(stolen) == []
    quiz_id, old = desk.quiz.id, desk.quiz.questions[0]
    change = (QuizStatus.DRAFT, QuizStatus.APPROVED)
    assert not lessons.move_quiz(stolen, quiz_id, *change)
    assert not lessons.edit_question(stolen, quiz_id, 0, old, old)
    assert lessons.question_history(stolen, quiz_id, 0) == []
