"""`mentora quiz`: a quiz from draft to students, and to other programs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner, Result

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.cli.quizzes import app
from mentora_pipelines.domain.quizzes.questions import QuestionKind
from mentora_pipelines.domain.quizzes.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.quizzes.turns import QUIZZES_AN_HOUR
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import Conflict, InvalidInput, NotFound
from tests.stored_lessons import QUESTION, stored_lesson

CHOICE = replace(
    QUESTION,
    kind=QuestionKind.MULTIPLE_CHOICE,
    prompt="Which of these is a simple sugar?",
    options=("Glucose", "Starch", "Cellulose"),
)


def quiz(*words: object) -> Result:
    """What the command answers; its errors are raised."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def answer(*words: object) -> dict[str, Any]:
    """The JSON that the command answers."""
    found = json.loads(quiz(*words, "--json").stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def lesson(
    catalogue: PostgresCatalogue, lessons: PostgresLessons, admin: Connection
) -> tuple[Video, UUID]:
    """A published lesson with one quiz of one question."""
    video = stored_lesson(catalogue, lessons)[0]
    admin.execute("delete from quizzes where video_id = %s", [video.id])
    assert lessons.publish(video)
    # The quiz that every upload gets is not what these tests are about.
    admin.execute("delete from events where creator_id = %s", [video.creator_id])
    transcript_id = video.staged_transcript_id
    assert transcript_id is not None
    made = Quiz(uuid4(), transcript_id, QuizStatus.DRAFT, "test/1", (CHOICE,), 10)
    lessons.add_quiz(video, made)
    return catalogue.video(video.id), made.id


def test_a_quiz_is_read_approved_and_published(lesson: tuple[Video, UUID]) -> None:
    """Else a creator needs the database to let students take a quiz."""
    video, quiz_id = lesson
    (listed,) = answer("list", video.id)["quizzes"]
    assert (listed["quiz_id"], listed["status"]) == (str(quiz_id), "draft")
    assert str(quiz_id) in quiz("list", video.id).stdout
    shown = answer("show", video.id, "--quiz", quiz_id)
    assert shown["questions"][0]["answers"] == ["Glucose"]
    assert "answer: Glucose" in quiz("show", video.id).stdout
    with pytest.raises(Conflict):
        quiz("publish", quiz_id)
    assert answer("approve", quiz_id) == {"quiz_id": str(quiz_id), "status": "approved"}
    assert "is published" in quiz("publish", quiz_id).stdout


def test_an_edited_question_shows_its_history(lesson: tuple[Video, UUID]) -> None:
    """Else a typo can only be mended by writing the whole quiz anew."""
    _, quiz_id = lesson
    edited = answer(
        "edit", quiz_id, 1, "--prompt", "Which sugar is simple?", "--option", "Glucose",
        "--option", "Lactose", "--option", "Maltose", "--difficulty", "easy",
    )  # fmt: skip
    assert edited["question"]["options"] == ["Glucose", "Lactose", "Maltose"]
    (entry,) = answer("history", quiz_id, 1)["edits"]
    assert entry["before"]["prompt"] == CHOICE.prompt
    assert CHOICE.prompt in quiz("history", quiz_id, 1).stdout
    with pytest.raises(InvalidInput, match="not among the options"):
        quiz("edit", quiz_id, 1, "--answer", "Honey")
    with pytest.raises(NotFound):
        quiz("edit", quiz_id, 2, "--prompt", "What?")
    with pytest.raises(NotFound):
        quiz("approve", uuid4())


def test_the_sixth_quiz_of_an_hour_is_told_when_its_turn_comes(
    lesson: tuple[Video, UUID], admin: Connection
) -> None:
    """Else a creator asks again and again for what is waiting already."""
    video, _ = lesson
    first = answer("regenerate", video.id, "--questions", 7)
    again = answer("regenerate", video.id, "--questions", 7)
    assert first["requested_as"] == again["requested_as"]
    assert (first["started_this_hour"], first["waiting_before"]) == (0, 0)
    assert "within a minute" in quiz("regenerate", video.id, "--questions", 7).stdout
    for count in range(1, QUIZZES_AN_HOUR):
        answer("regenerate", video.id, "--questions", count)
    admin.execute(
        "update events set status = 'done', outcome = 'launched',"
        " handled_at = now() - interval '10 minutes'"
        " where name = 'quiz/generation.requested' and creator_id = %s",
        [video.creator_id],
    )
    sixth = answer("regenerate", video.id, "--questions", 20)
    assert sixth["started_this_hour"] == QUIZZES_AN_HOUR
    told = quiz("regenerate", video.id, "--questions", 20).stdout
    assert "it starts at" in told
    (left,) = admin.execute(
        "select extract(epoch from %s::timestamptz - now())", [sixth["starts_at"]]
    ).fetchone() or (0,)
    assert 45 * 60 < left <= 50 * 60


@pytest.mark.parametrize(
    ("status", "outcome", "dead_reason", "hours"),
    [("dead", None, "refused", 0), ("done", "launched", None, 2)],
)
def test_a_request_whose_run_was_lost_is_asked_anew(
    lesson: tuple[Video, UUID],
    admin: Connection,
    status: str,
    outcome: str | None,
    dead_reason: str | None,
    hours: int,
) -> None:
    """Else it is promised within a minute, and never comes."""
    video, _ = lesson
    request = [answer("regenerate", video.id)["requested_as"]]
    admin.execute(
        "update events set status = %s, outcome = %s, dead_reason = %s,"
        " handled_at = now() - make_interval(hours => %s) where id = %s",
        [status, outcome, dead_reason, hours, *request],
    )
    again = answer("regenerate", video.id)
    assert [again["requested_as"]] == request
    assert (again["written_since"], again["waiting_before"]) == (None, 0)
    row = admin.execute("select status, replays from events where id = %s", request)
    assert row.fetchone() == ("pending", 1)


def test_a_quiz_that_is_being_written_is_not_asked_for_again(
    lesson: tuple[Video, UUID], admin: Connection
) -> None:
    """Else it is said to start within a minute, and its turn is paid twice."""
    video, _ = lesson
    request = [answer("regenerate", video.id)["requested_as"]]
    admin.execute(
        "update events set status = 'done', outcome = 'launched',"
        " handled_at = now() - interval '5 minutes' where id = %s",
        request,
    )
    told = answer("regenerate", video.id)
    assert (told["starts_at"], told["came_to_nothing"]) == (None, None)
    assert told["written_since"] is not None
    assert "being written since" in quiz("regenerate", video.id).stdout
    row = admin.execute("select status, replays from events where id = %s", request)
    assert row.fetchone() == ("done", 0)


def test_why_a_request_gave_no_quiz_is_told_and_it_can_be_asked_anew(
    lesson: tuple[Video, UUID], admin: Connection, lessons: PostgresLessons
) -> None:
    """Else a creator waits for a quiz that its lesson is too short for."""
    video, quiz_id = lesson
    requested_as = UUID(answer("regenerate", video.id)["requested_as"])
    admin.execute(
        "update events set status = 'done', outcome = 'launched', handled_at = now()"
        " where id = %s",
        [requested_as],
    )
    lessons.refuse_request(video, requested_as, "too little is said")
    with pytest.raises(NotFound, match="too little is said"):
        quiz("show", video.id, "--quiz", requested_as)
    again = answer("regenerate", video.id)
    assert again["came_to_nothing"] == "too little is said"
    assert again["starts_at"] is not None
    lessons.refuse_request(video, requested_as, "still too little")
    lessons.answer_request(video, requested_as, quiz_id)
    shown = answer("show", video.id, "--quiz", requested_as)
    assert shown["quiz_id"] == str(quiz_id)


def test_a_draft_that_is_discarded_makes_room_for_another(
    lesson: tuple[Video, UUID], admin: Connection
) -> None:
    """Else a teacher is left with the draft that nobody wants."""
    video, quiz_id = lesson
    assert "is discarded" in quiz("discard", quiz_id).stdout
    assert answer("list", video.id)["quizzes"][0]["status"] == "discarded"
    with pytest.raises(NotFound):
        quiz("show", video.id)
    requested = answer("regenerate", video.id)["requested_as"]
    row = admin.execute(
        "select payload -> 'edition' from events where id = %s", [requested]
    ).fetchone()
    assert row == (1,)


def test_what_was_asked_and_not_met_is_shown(lesson: tuple[Video, UUID]) -> None:
    """Else ten easy questions pass for the ten hard ones that were asked for."""
    video, _ = lesson
    (number,) = answer("show", video.id)["wishes"]
    assert number == {"wish": "questions", "asked": 10, "met": 1, "of": 10}
    assert "1 of 10 questions" in quiz("show", video.id).stderr


def test_asking_again_for_what_is_there_asks_for_other_questions(
    lesson: tuple[Video, UUID], admin: Connection
) -> None:
    """Else a creator who wants a second quiz gets the first one back."""
    video, _ = lesson
    requested = answer("regenerate", video.id)["requested_as"]
    payload = admin.execute(
        "select payload from events where payload ->> 'quizId' = %s", [requested]
    ).fetchone()
    assert payload is not None
    assert (payload[0]["questionCount"], payload[0]["edition"]) == (10, 1)


@pytest.mark.parametrize(
    ("wanted", "begins"),
    [("gift", b"// "), ("qti", b"PK"), ("json", b"{"), ("html", b"<!doctype html>")],
)
def test_a_quiz_is_written_to_a_file(
    lesson: tuple[Video, UUID], tmp_path: Path, wanted: str, begins: bytes
) -> None:
    """Else a teacher types the questions into Moodle by hand."""
    _, quiz_id = lesson
    file = tmp_path / "quiz"
    quiz("export", quiz_id, "--format", wanted, "--output", file)
    assert file.read_bytes().startswith(begins)
    assert quiz("export", quiz_id, "--format", wanted).stdout_bytes == file.read_bytes()


def test_the_figures_of_a_quiz_are_shown(
    lesson: tuple[Video, UUID], admin: Connection, lessons: PostgresLessons
) -> None:
    """Else nobody looks at them."""
    video, quiz_id = lesson
    (made,) = lessons.quizzes(video)
    student = uuid4()
    admin.execute(
        "insert into students (id, creator_id, email) values (%s, %s, %s)",
        [student, video.creator_id, f"{student}@tests.example"],
    )
    admin.execute(
        "insert into quiz_attempts (id, creator_id, student_id, quiz_id, answers,"
        " score, max_score, passed) values (%s, %s, %s, %s, %s, 1, 1, true)",
        [uuid4(), video.creator_id, student, quiz_id,
         Jsonb({str(made.question_ids[0]): "Starch"})],
    )  # fmt: skip
    (item,) = answer("statistics", quiz_id)["questions"]
    assert (item["students"], item["difficulty"], item["flags"]) == (1, 0.0, [])
    assert "*Glucose 0" in quiz("statistics", quiz_id).stdout
