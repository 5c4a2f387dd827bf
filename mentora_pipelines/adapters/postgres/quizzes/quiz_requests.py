"""Requests for quizzes: of an upload, and of a creator who wants another one."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.events.events import write_event
from mentora_pipelines.domain.events.outbox import EventOutcome, EventStatus
from mentora_pipelines.domain.events.payloads import (
    QuizGenerationRequested,
    quiz_request_id,
)
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.quizzes import DEFAULT_QUESTION_COUNT
from mentora_pipelines.domain.quizzes.turns import WRITING_LIMIT, RequestedQuiz
from mentora_pipelines.domain.videos import Video

# Only of the words that readers see: an edit after the launch makes another quiz.
OF_THIS_QUIZ = """
where events.name = 'quiz/generation.requested'
  and events.status = 'done'
  and events.outcome = 'launched'
  and events.handled_at > videos.processed_at
  and events.payload ->> 'videoId' = %(video_id)s::text
  and coalesce((events.payload ->> 'questionCount')::integer, %(default)s)
      = %(question_count)s
  and events.payload ->> 'difficulty' is not distinct from %(difficulty)s
  and events.payload ->> 'bloomLevel' is not distinct from %(bloom_level)s
  and coalesce((events.payload ->> 'edition')::integer, 0) = %(edition)s
"""

# One that is known to give none is waited for no longer.
SELECT_BEING_WRITTEN = (
    """
select
from events
join videos on videos.id = %(video_id)s
"""
    + OF_THIS_QUIZ
    + """
  and events.handled_at > now() - %(within)s
  and not exists (
      select from quiz_requests
      where quiz_requests.id = (events.payload ->> 'quizId')::uuid
        and quiz_requests.quiz_id is null)
limit 1
"""
)

# The run that gave none would have answered them, too. Dated as the reason is: who asks
# after that asks for another run.
TAKE_REASON = (
    """
insert into quiz_requests (id, creator_id, reason, created_at)
select %(requested_as)s, known.creator_id, known.reason, known.created_at
from events
join videos on videos.id = %(video_id)s
join quiz_requests as known
    on known.id = (events.payload ->> 'quizId')::uuid
    and known.quiz_id is null
    and known.created_at > %(asked_at)s
"""
    + OF_THIS_QUIZ
    + """
order by known.created_at desc
limit 1
on conflict (id) do update set reason = excluded.reason
where quiz_requests.quiz_id is null
"""
)

SELECT_ANSWERED = "select from quiz_requests where id = %(requested_as)s"

SELECT_REQUEST = """
select
    events.status, events.outcome, events.handled_at, quiz_requests.reason,
    events.handled_at > now() - %(within)s as is_recent
from events
left join quiz_requests on quiz_requests.id = events.id
where events.id = %(requested_as)s
for update of events
"""

# As a replay, which gives its run a key of its own.
ASK_ANEW = """
update events
set status = 'pending', outcome = null, dead_reason = null, handled_at = null,
    attempts = 0, next_attempt_at = now(), replays = replays + 1
where id = %(requested_as)s
"""

FORGET_REASON = """
delete from quiz_requests where id = %(requested_as)s and quiz_id is null
"""


def request_quiz(connection: Connection, video: Video) -> None:
    """Ask for one quiz about each upload: an edit asks for none."""
    upload = upload_key(video)
    requested_as = quiz_request_id(upload)
    # Its event may be forgotten; what became of it is kept.
    known = connection.execute(SELECT_ANSWERED, {"requested_as": requested_as})
    if known.fetchone() is not None:
        return
    write_event(
        connection,
        QuizGenerationRequested(
            quiz_id=requested_as,
            video_id=video.id,
            creator_id=video.creator_id,
            question_count=DEFAULT_QUESTION_COUNT,
        ),
        deduplication_key=upload,
        creator_id=video.creator_id,
    )


def upload_key(video: Video) -> str:
    """Names the upload that a quiz is asked for."""
    return f"{video.id}#{video.upload_number}"


def request_wished_quiz(
    connection: Connection, video: Video, wishes: QuizWishes
) -> RequestedQuiz:
    """Ask for a quiz about the published words that is not there.

    Asking twice for the same is one request. One whose run gave nothing, or was lost,
    is asked anew.
    """
    wanted = (
        f"{video.id}#{video.published_transcript_id}"
        f"#{wishes.question_count} {wishes.key}"
    ).rstrip()
    requested_as = quiz_request_id(wanted)
    is_new = write_event(
        connection,
        QuizGenerationRequested(
            quiz_id=requested_as,
            video_id=video.id,
            creator_id=video.creator_id,
            question_count=wishes.question_count,
            difficulty=wishes.difficulty,
            bloom_level=wishes.bloom_level,
            edition=wishes.edition,
        ),
        deduplication_key=wanted,
        creator_id=video.creator_id,
    )
    if is_new:
        # Its event may have been forgotten, but not why it came to nothing.
        connection.execute(FORGET_REASON, {"requested_as": requested_as})
        return RequestedQuiz(requested_as)
    return _asked_anew(connection, requested_as)


def _asked_anew(connection: Connection, requested_as: UUID) -> RequestedQuiz:
    """What became of a request that is known; one that came to nothing waits again."""
    with connection.cursor(row_factory=dict_row) as cursor:
        known = cursor.execute(
            SELECT_REQUEST, {"requested_as": requested_as, "within": WRITING_LIMIT}
        ).fetchone()
    if known is None or known["status"] == EventStatus.PENDING:
        return RequestedQuiz(requested_as)
    launched = known["outcome"] == EventOutcome.LAUNCHED and known["is_recent"]
    if launched and known["reason"] is None:
        return RequestedQuiz(requested_as, written_since=known["handled_at"])
    connection.execute(ASK_ANEW, {"requested_as": requested_as})
    connection.execute(FORGET_REASON, {"requested_as": requested_as})
    return RequestedQuiz(requested_as, reason=known["reason"])


def is_being_written(
    connection: Connection, video_id: UUID, wishes: QuizWishes, within: timedelta
) -> bool:
    """Whether a run was started for this quiz in the last `within`."""
    found = connection.execute(
        SELECT_BEING_WRITTEN, {**_named(video_id, wishes), "within": within}
    )
    return found.fetchone() is not None


def take_reason(
    connection: Connection,
    video_id: UUID,
    wishes: QuizWishes,
    requested_as: UUID,
    asked_at: datetime,
) -> bool:
    """Answer a request with why a run gave no such quiz since `asked_at`; whether."""
    taken = connection.execute(
        TAKE_REASON,
        {
            **_named(video_id, wishes),
            "requested_as": requested_as,
            "asked_at": asked_at,
        },
    )
    return taken.rowcount > 0


def _named(video_id: UUID, wishes: QuizWishes) -> dict[str, object]:
    """What `OF_THIS_QUIZ` takes."""
    return {
        "video_id": video_id,
        "default": DEFAULT_QUESTION_COUNT,
        "question_count": wishes.question_count,
        "difficulty": wishes.difficulty,
        "bloom_level": wishes.bloom_level,
        "edition": wishes.edition,
    }
