"""The weekly look at what students answered."""

from dataclasses import replace
from uuid import uuid4

import dagster as dg
from psycopg.types.json import Jsonb

from assets.lessons.quiz_statistics import quiz_statistics_job
from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.quizzes.questions import QuestionKind
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from tests.stored_lessons import QUESTION, stored_lesson

STUDENTS = 24


def test_a_question_with_a_wrong_key_is_named(
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
    admin: Connection,
) -> None:
    """Else the best students are marked down, week after week."""
    video = stored_lesson(catalogue, lessons)[0]
    (stored,) = lessons.quizzes(video)
    options = ("Glucose", "Starch", "Light")
    asked = [
        replace(
            QUESTION, kind=QuestionKind.MULTIPLE_CHOICE, prompt=prompt, options=options
        )
        for prompt in "abcd"
    ]
    quiz = Quiz(uuid4(), stored.transcript_id, QuizStatus.PUBLISHED, "w", tuple(asked))
    lessons.add_quiz(video, quiz)
    keys = [str(question_id) for question_id in quiz.question_ids]
    for n in range(STUDENTS):
        good = n % 2
        # Who knows the rest chooses something else than the key of the first.
        answers = {keys[0]: options[good]}
        answers |= dict.fromkeys(keys[1:], options[0 if good else 1])
        student = uuid4()
        admin.execute(
            "insert into students (id, creator_id, email) values (%s, %s, %s)",
            [student, video.creator_id, f"{student}@tests.example"],
        )
        admin.execute(
            "insert into quiz_attempts (id, creator_id, student_id, quiz_id, answers,"
            " score, max_score, passed) values (%s, %s, %s, %s, %s, 1, 4, false)",
            [uuid4(), video.creator_id, student, quiz.id, Jsonb(answers)],
        )
    result = defs.resolve_job_def(quiz_statistics_job.name).execute_in_process(
        instance=instance
    )
    assert result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    table = str(evaluation.metadata["look at"].value)
    rows = table.splitlines()[2:]
    (row,) = (row for row in rows if str(quiz.id) in row)
    # What `mentora quiz statistics` and `history` take.
    assert row == f"| {quiz.id} | 1 | {STUDENTS} | 50% | -1.00 | wrong_key |"
    assert "Glucose" not in table
