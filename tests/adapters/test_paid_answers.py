"""Answers about quizzes in the making, on the real database."""

from uuid import uuid4

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.spending.usage import PATIENCE
from mentora_pipelines.providers.spending import open_spending
from tests.fix_runs import Connection
from tests.stored_lessons import register

GROW_OLD = """
update paid_answers set created_at = created_at - interval '31 days'
where video_id = %(video_id)s
"""

COUNT = "select count(*) from paid_answers where video_id = %(video_id)s"


def test_an_answer_is_kept_for_its_quiz_until_that_is_finished_or_long_forgotten(
    catalogue: PostgresCatalogue, lessons: PostgresLessons, admin: Connection
) -> None:
    """Else it is paid for again, is another quiz's, or lies there for ever."""
    video = register(catalogue, f"{uuid4()}@tests.example")
    first, second = (lessons.paid_answers(video, uuid4()) for _ in range(2))
    for answer in ('{"old": true}', '{"sign": "\\u0000"}'):
        first.keep("asked", answer)
    assert first.recall("asked") == answer
    assert first.recall("other") is second.recall("asked") is None
    admin.execute(GROW_OLD, {"video_id": video.id})
    second.keep("asked", "{}")
    assert first.recall("asked") is None
    with open_spending() as spending:
        spending.give_up(PATIENCE)
    left = admin.execute(COUNT, {"video_id": video.id}).fetchall()
    assert left == [(1,)], "of no quiz that anybody writes"
    admin.execute(GROW_OLD, {"video_id": video.id})
    second.keep("asked", "{}")
    assert second.recall("asked") == "{}", "in the place of one that is too old"
    second.forget()
    assert second.recall("asked") is None
