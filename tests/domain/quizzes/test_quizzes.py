"""When a quiz is written, what is repaired, and what is left out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest

from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.paid_answers import NOTHING_PAID, PaidAnswers
from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    Question,
    QuestionKind,
    QuizWishes,
)
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.quizzes.wishes_met import WishMet, wishes_met
from mentora_pipelines.domain.quizzes.writing import QuizFigures, write_quiz
from mentora_pipelines.errors import (
    Absence,
    MentoraError,
    NotFound,
    OverBudget,
    PermanentError,
    ProviderAway,
    ProviderRefused,
    Refusal,
    SetAside,
    TransientError,
)
from tests.fakes import PENDING_VIDEO, FakeEmbedder, FakeLessonStore
from tests.lessons import chunks_of, transcript_of

LESSON = transcript_of(
    [
        "Glucose is a simple sugar that gives the plant energy.",
        "Starch is a long chain of glucose units.",
        "Cellulose forms the walls of every cell of a plant.",
    ]
)
PUBLISHED = replace(
    PENDING_VIDEO, staged_transcript_id=LESSON.id, published_transcript_id=LESSON.id
)


def about(line: int, kind: QuestionKind, prompt: str, answer: str) -> Question:
    """A question without options about a line (from 0) of the lesson."""
    segment = LESSON.segments[line]
    return Question(
        kind, prompt, (), answer, segment.text, 0, segment.start_s, segment.end_s
    )


SOUND = about(
    0, QuestionKind.FILL_IN, "_____ gives the plant its energy, a simple sugar.",
    "glucose",
)  # fmt: skip
STARCH = replace(
    about(1, QuestionKind.MULTIPLE_CHOICE, "Which of these is a long chain?", "Starch"),
    options=("Starch", "Cellulose", "Glucan"),
)
INVENTED = replace(SOUND, quote="Glucose was found in 1747.", answer="1747")

Mend = Callable[[Question, Sequence[Fault]], Question | None]


class FakeWriter:
    """Satisfies `QuizWriter`: proposes what it is told to, and counts."""

    def __init__(
        self,
        *questions: Question,
        fingerprint: str = "writer/1",
        mend: Mend = lambda *_: None,
    ) -> None:
        self.fingerprint = fingerprint
        self.calls = 0
        self.told: list[tuple[Question, tuple[FaultCode, ...]]] = []
        self.wishes: list[QuizWishes] = []
        self._questions = questions
        self._mend = mend

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """What it was told, of the published words."""
        assert transcript == LESSON
        assert [chunk.index for chunk in chunks] == [0]
        self.calls += 1
        self.wishes.append(wishes)
        return list(self._questions)

    def repair(
        self,
        transcript: Transcript,
        chunks: Sequence[Chunk],
        question: Question,
        faults: Sequence[Fault],
    ) -> Question | None:
        """What it was told to make of it."""
        assert transcript == LESSON
        assert chunks
        self.told.append((question, tuple(fault.code for fault in faults)))
        return self._mend(question, faults)


@pytest.fixture
def store() -> FakeLessonStore:
    """A store with the published lesson and its chunks."""
    made = FakeLessonStore()
    made.add_transcript(PUBLISHED, LESSON)
    made.replace_chunks(PUBLISHED, LESSON.id, chunks_of(LESSON))
    return made


def write(
    store: FakeLessonStore, writer: FakeWriter, wishes: QuizWishes | int = 10
) -> QuizFigures:
    """Write a quiz of the published lesson."""
    if isinstance(wishes, int):
        wishes = QuizWishes(wishes)
    return write_quiz(
        PUBLISHED, wishes, writer=writer, store=store, embedder=FakeEmbedder()
    )


def test_the_same_request_twice_is_one_quiz(store: FakeLessonStore) -> None:
    """Else every re-run pays for a quiz and fills the creator's list."""
    writer = FakeWriter(SOUND)
    first, again = write(store, writer), write(store, writer)
    assert (first.written, again.written) == (True, False)
    assert (first.quiz_id, first.questions) == (again.quiz_id, again.questions)
    assert writer.calls == len(store.quizzes(PUBLISHED)) == 1


@pytest.mark.parametrize(
    ("wishes", "fingerprint"),
    [
        (QuizWishes(5), "writer/1"),
        (QuizWishes(10), "writer/2"),
        (QuizWishes(10, difficulty=Difficulty.HARD), "writer/1"),
        (QuizWishes(10, bloom_level=BloomLevel.APPLY), "writer/1"),
        (QuizWishes(10, edition=1), "writer/1"),
    ],
)
def test_another_request_is_another_quiz(
    store: FakeLessonStore, wishes: QuizWishes, fingerprint: str
) -> None:
    """Else who asks for more, or for harder, questions gets the old quiz back."""
    write(store, FakeWriter(SOUND))
    write(store, FakeWriter(STARCH, fingerprint=fingerprint), wishes)
    assert len(store.quizzes(PUBLISHED)) == 2


def test_a_quiz_is_a_draft_about_the_published_words(store: FakeLessonStore) -> None:
    """Else students see a quiz that its creator has not."""
    write(store, FakeWriter(SOUND))
    (quiz,) = store.quizzes(PUBLISHED)
    assert (quiz.status, quiz.transcript_id) == (QuizStatus.DRAFT, LESSON.id)
    assert quiz.questions == (SOUND,)


def test_a_writer_that_gives_more_than_asked_is_cut_short(
    store: FakeLessonStore,
) -> None:
    """Else a model that is told to never stop fills a quiz without end."""
    assert write(store, FakeWriter(SOUND, STARCH), 1).questions == 1


def test_what_is_refused_is_repaired_once(store: FakeLessonStore) -> None:
    """Else one slip of a model costs a good question."""
    writer = FakeWriter(INVENTED, STARCH, mend=lambda *_: SOUND)
    figures = write(store, writer)
    ((told, faults),) = writer.told
    assert told == INVENTED
    assert FaultCode.NOT_QUOTED in faults
    assert figures.review is not None
    assert figures.review.repaired == 1
    assert set(store.quizzes(PUBLISHED)[0].questions) >= {SOUND}
    assert store.refused[figures.quiz_id] == []


def test_what_stays_bad_is_left_out_and_kept_with_its_reasons(
    store: FakeLessonStore,
) -> None:
    """Else an invented question is shown, or nobody learns why one is missing."""
    worse = replace(INVENTED, prompt="")
    writer = FakeWriter(INVENTED, SOUND, mend=lambda *_: worse)
    figures = write(store, writer)
    assert store.quizzes(PUBLISHED)[0].questions == (SOUND,)
    (refusal,) = store.refused[figures.quiz_id]
    assert (refusal.question, refusal.repaired) == (INVENTED, worse)
    assert FaultCode.NOT_QUOTED in {fault.code for fault in refusal.faults}
    assert [fault.code for fault in refusal.remaining] == [FaultCode.FORM]
    assert len(writer.told) == 1, "asked once"


def test_a_question_that_the_quiz_asks_already_is_left_out(
    store: FakeLessonStore,
) -> None:
    """Else a student answers the same twice, in one quiz or in two."""
    first = write(store, FakeWriter(SOUND, SOUND))
    second = write(store, FakeWriter(SOUND, STARCH), QuizWishes(10, edition=1))
    for figures in (first, second):
        (refusal,) = store.refused[figures.quiz_id]
        assert [fault.code for fault in refusal.faults] == [FaultCode.DUPLICATE]
        assert figures.questions == 1


def test_the_writer_learns_what_other_quizzes_ask(store: FakeLessonStore) -> None:
    """Else a second quiz is the first one, and is refused question by question."""
    write(store, FakeWriter(SOUND))
    writer = FakeWriter(STARCH)
    write(store, writer, QuizWishes(10, edition=1))
    assert writer.wishes[0].asked == (SOUND,)


def test_a_quiz_without_questions_is_answered_with_its_reason(
    store: FakeLessonStore,
) -> None:
    """Else an empty draft is what a creator gets, and nobody says why."""
    write(store, FakeWriter(SOUND))
    name = uuid4()
    reasons = []
    for writer in (FakeWriter(), FakeWriter(SOUND, SOUND)):
        figures = write_quiz(
            PUBLISHED, QuizWishes(10, edition=1), writer=writer, store=store,
            embedder=FakeEmbedder(), requested_as=name,
        )  # fmt: skip
        assert (figures.questions, figures.written) == (0, False)
        reasons.append(store.reasons[name])
    assert reasons == [
        "the other quizzes of the video ask what its lesson holds",
        "every question that was written had a fault: duplicate 2",
    ]
    assert len(store.quizzes(PUBLISHED)) == 1
    assert name not in store.requests


def test_in_the_place_of_a_discarded_quiz_another_one_is_written(
    store: FakeLessonStore,
) -> None:
    """Else who throws a bad draft away gets no other one, or gets it back."""
    first = write(store, FakeWriter(SOUND))
    quiz = store.stored_quizzes[first.quiz_id]
    store.stored_quizzes[quiz.id] = replace(quiz, status=QuizStatus.DISCARDED)
    writer = FakeWriter(SOUND)
    second, again = write(store, writer), write(store, writer)
    assert second.quiz_id == again.quiz_id != first.quiz_id
    assert (second.questions, second.written, again.written) == (1, True, False)
    (wishes,) = writer.wishes
    assert (wishes.edition, wishes.asked, wishes.settled) == (1, (SOUND,), ())


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        (QuizStatus.DRAFT, ()),
        (QuizStatus.APPROVED, (SOUND,)),
        (QuizStatus.PUBLISHED, (SOUND,)),
    ],
)
def test_only_an_approved_quiz_takes_sentences_away(
    store: FakeLessonStore, status: QuizStatus, settled: tuple[Question, ...]
) -> None:
    """Else a draft that nobody has read exhausts a short lesson."""
    first = write(store, FakeWriter(SOUND))
    quiz = store.stored_quizzes[first.quiz_id]
    store.stored_quizzes[quiz.id] = replace(quiz, status=status)
    writer = FakeWriter(STARCH)
    write(store, writer, QuizWishes(10, edition=1))
    assert writer.wishes[0].settled == settled


def test_a_quiz_says_how_much_of_what_was_asked_it_has() -> None:
    """Else ten easy questions pass for the ten hard ones that were asked for."""
    wishes = QuizWishes(10, Difficulty.HARD, BloomLevel.APPLY, edition=3)
    assert QuizWishes.of_key(10, wishes.key) == wishes
    assert QuizWishes.of_key(5, "") == QuizWishes(5)
    hard = replace(SOUND, difficulty=Difficulty.HARD)
    quiz = Quiz(
        uuid4(), LESSON.id, QuizStatus.DRAFT, "writer/1", (SOUND, hard), 10, wishes.key
    )
    assert wishes_met(quiz) == (
        WishMet("questions", 10, 2, 10),
        WishMet("difficulty", "hard", 1, 2),
        WishMet("bloom_level", "apply", 0, 2),
    )


def test_the_place_of_the_answer_does_not_come_from_the_writer() -> None:
    """Else a model that was told to always answer A gives quizzes of nothing but A."""
    answers = []
    for edition, prompt in enumerate(
        ("Which of these is a long chain?", "What is a chain of glucose units?",
         "Which chain is long?", "What has a long chain of units?")
    ):  # fmt: skip
        asked = replace(STARCH, prompt=prompt, options=("Starch", "Cellulose", "Gum"))
        fresh = FakeLessonStore()
        fresh.add_transcript(PUBLISHED, LESSON)
        fresh.replace_chunks(PUBLISHED, LESSON.id, chunks_of(LESSON))
        write(fresh, FakeWriter(asked), QuizWishes(10, edition=edition))
        (question,) = fresh.quizzes(PUBLISHED)[0].questions
        answers.append(question.options.index(question.answer))
    assert len(set(answers)) > 1


def test_a_lesson_that_is_not_published_gets_no_quiz(store: FakeLessonStore) -> None:
    """Else a quiz asks about words that no student can see."""
    writer = FakeWriter(SOUND)
    staged = replace(PUBLISHED, published_transcript_id=None)
    with pytest.raises(NotFound, match="run `published_lessons`"):
        write_quiz(
            staged, QuizWishes(10), writer=writer, store=store, embedder=FakeEmbedder()
        )
    assert writer.calls == 0


@pytest.mark.parametrize(
    "fault",
    [
        OverBudget("nothing left"),
        ProviderAway("anthropic", Absence.OVERLOADED),
        ProviderRefused("anthropic", Refusal.POLICY),
    ],
)
def test_a_repair_that_fails_costs_one_question_and_not_the_quiz(
    store: FakeLessonStore, fault: Exception
) -> None:
    """Else what is written and paid for is thrown away, and is paid for again."""

    def mend(*_: object) -> Question | None:
        raise fault

    figures = write(store, FakeWriter(INVENTED, STARCH, mend=mend))
    assert figures.questions == 1
    (refusal,) = store.refused[figures.quiz_id]
    assert (refusal.question, refusal.repaired) == (INVENTED, None)


@pytest.mark.parametrize(
    "fault",
    [
        OverBudget("nothing left"),
        SetAside("others hold it"),
        ProviderAway("anthropic", Absence.OVERLOADED),
        ProviderRefused("anthropic", Refusal.KEY),
        ProviderRefused("anthropic", Refusal.POLICY),
    ],
)
def test_a_lesson_is_not_blamed_for_a_repair_that_could_not_be_asked_for(
    store: FakeLessonStore, fault: MentoraError
) -> None:
    """Else an outage ends in a final no, and asking anew pays for all of it again."""

    def mend(*_: object) -> Question | None:
        raise fault

    writer = PaidWriter(INVENTED, mend=mend)
    with pytest.raises(ProviderAway):
        write(store, writer)
    ((quiz_id, answers),) = store.answers.items()
    if fault.args == ProviderRefused("anthropic", Refusal.POLICY).args:
        assert write(store, writer).reason is not None, "its words are refused"
        assert answers.kept == {}
        return
    with pytest.raises(type(fault)):
        write(store, writer)
    assert answers.kept
    healthy = FakeWriter(INVENTED, mend=lambda *_: SOUND)
    figures = write(store, healthy)
    assert (figures.quiz_id, figures.questions) == (quiz_id, 1)


class PaidWriter(FakeWriter):
    """Satisfies `Remembers`: fails once after it was paid."""

    answers: PaidAnswers = NOTHING_PAID
    paid = 0

    def remembering(self, answers: PaidAnswers) -> "PaidWriter":
        """The same, with what is kept."""
        self.answers = answers
        return self

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """What it was told, for money."""
        if self.answers.recall("asked") is None:
            self.paid += 1
            self.answers.keep("asked", "{}")
            raise ProviderAway("provider", Absence.OVERLOADED)
        return super().write(transcript, chunks, wishes)


def test_what_a_writer_was_paid_for_is_kept_until_its_quiz_is_finished(
    store: FakeLessonStore,
) -> None:
    """Else each try of a long quiz pays for all of it, or a later one cannot differ."""
    writer = PaidWriter(SOUND)
    with pytest.raises(ProviderAway):
        write(store, writer)
    figures = write(store, writer)
    assert (figures.written, writer.paid) == (True, 1)
    assert store.answers[figures.quiz_id].kept == {}


@pytest.mark.parametrize(
    ("fault", "stays"),
    [
        (PermanentError("a word that no database stores"), False),
        (ZeroDivisionError(), False),
        (TransientError("the database is away"), True),
    ],
)
def test_answers_that_no_quiz_can_come_of_are_not_used_again(
    store: FakeLessonStore, fault: Exception, *, stays: bool
) -> None:
    """Else each later try recalls them and fails alike, for ever."""
    writer = PaidWriter(SOUND)
    with pytest.raises(ProviderAway):
        write(store, writer)
    store.quiz_fault = fault
    with pytest.raises(type(fault)):
        write(store, writer)
    (answers,) = store.answers.values()
    assert bool(answers.kept) == stays
