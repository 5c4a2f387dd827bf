"""What answers say about questions: counted by SQL, computed by pandas."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.item_analysis import PandasItemAnalyst
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.quizzes.quiz_desk import QuizDesk
from mentora_pipelines.domain.quizzes.item_statistics import (
    Flag,
    ItemFigures,
    ItemReport,
    OptionUse,
    flags_of,
    item_reports,
)
from mentora_pipelines.domain.quizzes.questions import FALSE, TRUE
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.services import DatabaseUrls
from tests.questions.cases import CHOICE, FILL_IN, SEVERAL, SHORT, STATED
from tests.stored_lessons import QUESTION, stored_lesson

STUDENTS = 60
LETTERS = ("A", "B", "C", "D")

_mails = count()

QUESTIONS = (
    replace(QUESTION, kind=CHOICE, prompt="1", options=LETTERS, answer="A"),
    replace(QUESTION, kind=CHOICE, prompt="2", options=LETTERS, answer="B"),
    replace(
        QUESTION,
        kind=SEVERAL,
        prompt="3",
        options=LETTERS,
        answer="A",
        further_answers=("C",),
    ),
    replace(QUESTION, kind=STATED, prompt="4", options=(TRUE, FALSE), answer=TRUE),
    replace(
        QUESTION, kind=FILL_IN, prompt="5", answer="Glucose", further_answers=("Sugar",)
    ),
    replace(QUESTION, kind=SHORT, prompt="6", answer="Whatever is written."),
)


@dataclass(frozen=True)
class Exam:
    """A quiz that students take."""

    admin: Connection
    desk: QuizDesk
    video: Video
    quiz: Quiz

    def take(self, answers: Mapping[int, object], student: UUID | None = None) -> UUID:
        """One attempt with the answers by position; returns who took it."""
        creator = self.video.creator_id
        if student is None:
            student = uuid4()
            self.admin.execute(
                "insert into students (id, creator_id, email) values (%s, %s, %s)",
                [student, creator, f"student-{next(_mails)}@tests.example"],
            )
        given = {str(self.quiz.question_ids[at]): a for at, a in answers.items()}
        self.admin.execute(
            "insert into quiz_attempts (id, creator_id, student_id, quiz_id, answers,"
            " score, max_score, passed) values (%s, %s, %s, %s, %s, 0, 6, false)",
            [uuid4(), creator, student, self.quiz.id, Jsonb(given)],
        )
        return student

    def reports(self) -> dict[str, ItemReport]:
        """What the answers say, by prompt."""
        found = item_reports(
            [self.quiz.id], counts=self.desk, analyst=PandasItemAnalyst()
        )
        return {report.question.prompt: report for report in found}


@pytest.fixture
def exam(
    admin: Connection,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    urls: DatabaseUrls,
) -> Iterator[Exam]:
    """A quiz with a question of each kind."""
    video = stored_lesson(catalogue, lessons)[0]
    (stored,) = lessons.quizzes(video)
    quiz = Quiz(uuid4(), stored.transcript_id, QuizStatus.PUBLISHED, "w", QUESTIONS)
    lessons.add_quiz(video, quiz)
    database = Database(urls.admin, "tests-quizzes")
    yield Exam(admin, QuizDesk(database), video, quiz)
    database.close()


def test_the_figures_are_those_of_the_textbook(exam: Exam) -> None:
    """Else a good question is thrown out, and a bad one stays."""
    rng = np.random.default_rng(7)
    ability = rng.normal(size=STUDENTS)
    hits = ability[:, None] + rng.normal(size=(STUDENTS, 5)) > [-1, 0, 0.5, -0.5, 0]
    for row in hits:
        exam.take(
            {
                0: "A" if row[0] else "B",
                1: " b " if row[1] else "C",
                2: ["C", "A"] if row[2] else ["A", "B"],
                3: TRUE if row[3] else FALSE,
                4: "SUGAR" if row[4] else "salt",
                5: "anything",
            }
        )
    reports = exam.reports()
    assert set(reports) == {"1", "2", "3", "4", "5"}, "sentences are not marked"
    for place in range(5):
        figures = reports[str(place + 1)].figures
        right = hits[:, place].astype(float)
        rest = np.delete(hits, place, axis=1).sum(axis=1)
        assert figures.students == STUDENTS
        assert figures.difficulty == pytest.approx(right.mean())
        assert figures.discrimination == pytest.approx(
            float(np.corrcoef(right, rest)[0, 1])
        )
    uses = {use.option: use.students for use in reports["3"].figures.options}
    misses = STUDENTS - int(hits[:, 2].sum())
    assert uses == {"A": STUDENTS, "B": misses, "C": STUDENTS - misses, "D": 0}
    first = reports["1"].figures.options[0]
    rest = np.delete(hits, 0, axis=1).sum(axis=1)
    assert first.mean_rest == pytest.approx(rest[hits[:, 0]].mean())


def test_only_the_first_attempt_of_a_student_counts(exam: Exam) -> None:
    """Else who tries until it is right makes every question look easy."""
    student = exam.take({0: "B"})
    exam.take({0: "A"}, student)
    exam.take({0: "A"}, student)
    figures = exam.reports()["1"].figures
    assert (figures.students, figures.difficulty) == (1, 0.0)


def test_what_was_answered_before_an_edit_was_another_question(exam: Exam) -> None:
    """Else a mended question is still flagged for its old key."""
    exam.take({0: "B"})
    exam.admin.execute(
        "update quiz_questions set edited_at = now() + interval '1 second'"
        " where id = %s",
        [exam.quiz.question_ids[0]],
    )
    reports = exam.reports()
    assert "1" not in reports
    assert reports["2"].figures.students == 1


def test_a_question_left_open_is_not_right(exam: Exam) -> None:
    """Else skipping what is hard makes it easy."""
    exam.take({1: "B", 2: None, 3: True, 4: ["Glucose", "Salt"]})
    right = {p: r.figures.difficulty for p, r in exam.reports().items()}
    assert right == {"1": 0.0, "2": 1.0, "3": 0.0, "4": 1.0, "5": 0.0}


def test_the_quizzes_of_the_week_are_found_by_how_often_they_were_taken(
    exam: Exam,
) -> None:
    """Else the weekly look is at quizzes that nobody takes."""
    exam.take({0: "A"})
    assert exam.quiz.id in exam.desk.quizzes_taken(timedelta(days=7), 1_000)
    exam.admin.execute(
        "update quiz_attempts set created_at = now() - interval '8 days'"
        " where quiz_id = %s",
        [exam.quiz.id],
    )
    assert exam.quiz.id not in exam.desk.quizzes_taken(timedelta(days=7), 1_000)


def figures_of(
    *uses: tuple[str, int, float], difficulty: float = 0.6, r: float | None = 0.4
) -> ItemFigures:
    """Figures of a question whose right option is A."""
    options = tuple(OptionUse(o, o == "A", n, rest) for o, n, rest in uses)
    students = sum(n for _, n, _ in uses)
    return ItemFigures(uuid4(), students, difficulty, r, options)


FINE: Sequence[tuple[str, int, float]] = (
    ("A", 30, 3.0),
    ("B", 10, 2.0),
    ("C", 8, 1.0),
    ("D", 2, 1.0),
)


@pytest.mark.parametrize(
    ("figures", "flags"),
    [
        (figures_of(*FINE), ()),
        (figures_of(("A", 3, 1.0), ("B", 3, 2.0), difficulty=0.1, r=-0.9), ()),
        (figures_of(*FINE, difficulty=0.1), (Flag.TOO_HARD,)),
        (figures_of(*FINE, difficulty=0.99), (Flag.TOO_EASY,)),
        (figures_of(*FINE, r=0.05), (Flag.POOR_DISCRIMINATION,)),
        (figures_of(*FINE, r=None), ()),
        (
            figures_of(("A", 20, 1.0), ("B", 28, 3.0), ("C", 2, 0.0), r=-0.4),
            (Flag.WRONG_KEY,),
        ),
        (figures_of(*FINE[:3], ("D", 0, 0.0)), (Flag.UNUSED_DISTRACTOR,)),
    ],
)
def test_a_question_is_flagged_for_what_is_wrong_with_it(
    figures: ItemFigures, flags: tuple[Flag, ...]
) -> None:
    """Else a teacher looks at everything, or at nothing."""
    assert flags_of(QUESTIONS[0], figures) == flags


def test_a_wrong_key_is_found_from_answers(exam: Exam) -> None:
    """Else the best students are marked down until one of them complains."""
    for n in range(40):
        good = n % 2 == 0
        exam.take(
            {
                0: "B" if good else "A",
                1: "B" if good else "C",
                2: ["A", "C"] if good else ["B"],
                3: TRUE if good else FALSE,
            }
        )
    reports = exam.reports()
    assert reports["1"].flags[0] is Flag.WRONG_KEY
    assert Flag.WRONG_KEY not in reports["2"].flags
