"""Events about quizzes: who asks for one gets it, in turn, and once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.events.event_outbox import PostgresEventOutbox
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.quizzes.quiz_desk import QuizDesk
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.turns import QUIZZES_AN_HOUR
from tests.due_events import Tell, Ticks, fate, published, statuses
from tests.fix_runs import Connection
from tests.stored_lessons import register, stored_lesson


def test_a_published_lesson_asks_for_its_quiz_and_gets_one_run(
    tick: Ticks,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else `autoGenerateQuiz` does nothing."""
    video = stored_lesson(own_catalogue, own_lessons)[0]
    own_admin.execute("delete from quizzes")
    assert own_lessons.publish(video)
    requests = [request for request in tick() if request.job_name == "quiz_job"]
    (request,) = requests
    assert request.partition_key == str(video.id)
    config = request.run_config["ops"]["quizzes"]["config"]
    assert config["question_count"] == 10
    assert UUID(config["requested_as"])


def test_a_quiz_that_exists_answers_at_once_under_the_name_it_was_asked_for(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else whoever asked looks for a quiz that has another id, for ever."""
    video = published(own_catalogue, own_lessons)
    own_admin.execute("delete from events")
    requested = uuid4()
    event = tell(
        "quiz/generation.requested",
        video.creator_id,
        quizId=requested,
        videoId=video.id,
        creatorId=video.creator_id,
        questionCount=1,
    )
    assert tick() == []
    assert fate(own_admin, event) == ("done", "nothing to do", 0)
    answer = own_admin.execute(
        "select quiz_id from quiz_requests where id = %s", [requested]
    ).fetchone()
    (quiz,) = own_lessons.quizzes(video)
    assert answer == (quiz.id,)


def test_many_requests_for_one_quiz_start_one_run_and_count_once(
    tick: Ticks,
    tell: Tell,
    own_outbox: PostgresEventOutbox,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else twenty clicks write, and pay for, one quiz five times in an hour."""
    video = published(own_catalogue, own_lessons)
    own_admin.execute("delete from events")

    def ask() -> UUID:
        return tell(
            "quiz/generation.requested",
            video.creator_id,
            quizId=uuid4(),
            videoId=video.id,
            creatorId=video.creator_id,
            questionCount=7,
        )

    requests = [ask() for _ in range(20)]
    assert len(tick()) == 1
    own_admin.execute(
        "update events set next_attempt_at = now() where status = 'pending'"
    )
    assert tick() == []
    fates = [fate(own_admin, event)[0] for event in requests]
    assert (fates.count("done"), fates.count("pending")) == (1, 19)
    # Its run gives no quiz: after a while somebody else's request starts another.
    own_admin.execute(
        "update videos set processed_at = processed_at - interval '1 day'"
    )
    for minutes, runs in ((50, 0), (11, 1)):
        own_admin.execute(
            "update events set handled_at = handled_at - %s * interval '1 minute',"
            " next_attempt_at = now() - interval '1 minute'",
            [minutes],
        )
        assert len(tick()) == runs
    assert tick() == []
    # When it is known that this one gives none, it is known to all that waited for it.
    own_admin.execute(
        "insert into quiz_requests (id, creator_id, reason)"
        " select (payload ->> 'quizId')::uuid, creator_id, 'over budget'"
        " from events where outcome = 'launched'"
    )
    own_admin.execute(
        "update events set next_attempt_at = now() where status = 'pending'"
    )
    # Another one, and its run, have nothing to do with it.
    late = ask()
    own_admin.execute(
        "update events set payload = payload || '{\"edition\": 1}',"
        " created_at = now() - interval '1 hour' where id = %s",
        [late],
    )
    assert len(tick()) == 1
    assert {fate(own_admin, event)[0] for event in requests} == {"done"}
    reasons = own_admin.execute("select reason from quiz_requests").fetchall()
    assert reasons == [("over budget",)] * 20
    # Who asks after that asks for another run.
    asked = ask()
    assert len(tick()) == 1
    assert fate(own_admin, asked)[0] == "pending"
    # So does who asks anew under the same name, and is told the old reason no more.
    tick()
    own_admin.execute(
        "update events set handled_at = handled_at - interval '1 hour'"
        " where status = 'done'"
    )
    assert own_outbox.replay(event_ids=requests[-1:]) == 1
    reasons = own_admin.execute("select reason from quiz_requests").fetchall()
    assert len(reasons) == 19
    assert len(tick()) == 1


def test_a_request_that_was_forgotten_is_asked_again_by_its_creator_alone(
    tick: Ticks,
    own_admin: Connection,
    own_database: Database,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else who asks next month waits for no run, and an edit pays for one."""
    video = stored_lesson(own_catalogue, own_lessons)[0]
    own_admin.execute("delete from quizzes")
    assert own_lessons.publish(video)
    video = own_catalogue.video(video.id)
    desk = QuizDesk(own_database)
    wished = desk.request(video, QuizWishes(7)).requested_as
    first = [each for each in tick() if each.job_name == "quiz_job"]
    assert len(first) == 2
    for each in first:
        named = UUID(each.run_config["ops"]["quizzes"]["config"]["requested_as"])
        own_lessons.refuse_request(video, named, "over budget")
    tick()
    # As the outbox does after a month.
    own_admin.execute("delete from events")
    assert desk.reason(wished) == "over budget"
    assert desk.request(video, QuizWishes(7)).requested_as == wished
    assert desk.reason(wished) is None
    own_catalogue.request_quiz(video)
    own_admin.execute("update events set created_at = created_at + interval '1 month'")
    (again,) = (each for each in tick() if each.job_name == "quiz_job")
    assert again.run_key not in {each.run_key for each in first}


def test_the_sixth_quiz_of_an_hour_waits_and_is_written_later(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else one creator spends the budget of all, or the sixth quiz is dropped."""
    video = published(own_catalogue, own_lessons)
    own_admin.execute("delete from events")
    for count in range(2, QUIZZES_AN_HOUR + 4):
        tell(
            "quiz/generation.requested",
            video.creator_id,
            quizId=uuid4(),
            videoId=video.id,
            creatorId=video.creator_id,
            questionCount=count,
        )
    assert len(tick()) == QUIZZES_AN_HOUR
    assert tick() == []
    waiting = "select count(*) from events where status = 'pending' and attempts = 0"
    assert own_admin.execute(waiting).fetchone() == (2,)
    own_admin.execute(
        "update events set handled_at = handled_at - interval '1 hour',"
        " next_attempt_at = now()"
    )
    assert len(tick()) == 2


def test_a_quiz_about_a_lesson_that_is_not_there_yet_waits(
    tick: Ticks, tell: Tell, own_admin: Connection, own_catalogue: PostgresCatalogue
) -> None:
    """Else a quiz that is asked for with the upload is refused."""
    video = register(own_catalogue, "ada@tests.example")
    own_admin.execute("delete from events")
    asked = {
        "quizId": uuid4(), "videoId": video.id, "creatorId": video.creator_id
    }  # fmt: skip
    early = tell("quiz/generation.requested", video.creator_id, **asked)
    never = tell(
        "quiz/generation.requested",
        video.creator_id,
        created_at=datetime.now(UTC) - timedelta(days=3),
        **asked,
    )
    assert tick() == []
    assert fate(own_admin, early) == ("pending", None, 0)
    assert fate(own_admin, never) == ("dead", "the lesson was never published", 1)


def test_a_quiz_that_is_wished_for_late_is_asked_for(
    tick: Ticks,
    tell: Tell,
    own_admin: Connection,
    own_catalogue: PostgresCatalogue,
    own_lessons: PostgresLessons,
) -> None:
    """Else `autoGenerateQuiz` depends on who was faster."""
    video = published(own_catalogue, own_lessons)
    own_admin.execute("delete from events")
    own_admin.execute("update videos set auto_generate_quiz = false")
    tell(
        "video/upload.completed",
        video.creator_id,
        videoId=video.id,
        creatorId=video.creator_id,
        videoUrl="u",
        autoGenerateQuiz=True,
    )
    tick()
    assert statuses(own_admin, "quiz/generation.requested") in (["pending"], ["done"])
