"""What is told of a quiz that could not be written, in the real database."""

from dataclasses import replace
from uuid import uuid4

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.events.payloads import quiz_request_id
from mentora_pipelines.domain.operations.mail_variables import quiz_sentence
from mentora_pipelines.errors import ErrorCode
from tests.fix_runs import Connection
from tests.stored_lessons import register

REASON = "select reason from quiz_requests where id = %(id)s"

MAILS = """
select recipient, variables ->> 'requestedAs' from email_outbox
where subject_id = %(id)s and template = 'quiz-generation-failed'
"""


def test_who_asked_for_a_quiz_finds_why_there_is_none_and_has_one_mail(
    catalogue: PostgresCatalogue, lessons: PostgresLessons, admin: Connection
) -> None:
    """Else the application waits for a quiz that failed, and its creator too."""
    video = register(catalogue, f"{uuid4()}@tests.example")
    requested_as = quiz_request_id(f"{video.id}#{video.upload_number}")
    run = uuid4()
    assert not lessons.quiz_came_to_nothing(video)
    for code in (ErrorCode.TEMPORARY_FAULT, ErrorCode.OVER_BUDGET):
        # First, of somebody whose address cannot be written to.
        for address in ("nowhere", video.creator_email, video.creator_email):
            known = replace(video, creator_email=address)
            lessons.quiz_failed(known, code, requested_as=requested_as, run_id=run)
            ((reason,),) = admin.execute(REASON, {"id": requested_as})
            assert reason == quiz_sentence(code)
    lessons.quiz_failed(video, code, requested_as=None, run_id=run)
    assert lessons.quiz_came_to_nothing(video)
    assert not lessons.quiz_came_to_nothing(replace(video, upload_number=2))
    mails = admin.execute(MAILS, {"id": str(video.id)}).fetchall()
    assert sorted(mails, key=str) == [
        *[(video.creator_email, str(requested_as))] * 2,
        (video.creator_email, None),
    ]
