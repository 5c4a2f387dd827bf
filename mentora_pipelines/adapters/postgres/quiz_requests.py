"""Requests for quizzes: of an upload, and of a creator who wants another one."""

from datetime import timedelta
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.events import write_event
from mentora_pipelines.domain.events.payloads import (
    QuizGenerationRequested,
    quiz_request_id,
)
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.quizzes import DEFAULT_QUESTION_COUNT
from mentora_pipelines.domain.videos import Video

# Only of the words that readers see: an edit after the launch makes another quiz.
SELECT_BEING_WRITTEN = """
select
from events
join videos on videos.id = %(video_id)s
where events.name = 'quiz/generation.requested'
  and events.status = 'done'
  and events.outcome = 'launched'
  and events.handled_at > now() - %(within)s
  and events.handled_at > videos.processed_at
  and events.payload ->> 'videoId' = %(video_id)s::text
  and coalesce((events.payload ->> 'questionCount')::integer, %(default)s)
      = %(question_count)s
  and events.payload ->> 'difficulty' is not distinct from %(difficulty)s
  and events.payload ->> 'bloomLevel' is not distinct from %(bloom_level)s
  and coalesce((events.payload ->> 'edition')::integer, 0) = %(edition)s
limit 1
"""


def request_quiz(connection: Connection, video: Video) -> None:
    """Ask for one quiz about each upload: an edit asks for none."""
    upload = f"{video.id}#{video.upload_number}"
    write_event(
        connection,
        QuizGenerationRequested(
            quiz_id=quiz_request_id(upload),
            video_id=video.id,
            creator_id=video.creator_id,
            question_count=DEFAULT_QUESTION_COUNT,
        ),
        deduplication_key=upload,
        creator_id=video.creator_id,
    )


def request_wished_quiz(
    connection: Connection, video: Video, wishes: QuizWishes
) -> UUID:
    """Ask for a quiz about the published words; returns the name it is looked for by.

    Asking twice for the same is one request.
    """
    wanted = (
        f"{video.id}#{video.published_transcript_id}"
        f"#{wishes.question_count} {wishes.key}"
    ).rstrip()
    requested_as = quiz_request_id(wanted)
    write_event(
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
    return requested_as


def is_being_written(
    connection: Connection, video_id: UUID, wishes: QuizWishes, within: timedelta
) -> bool:
    """Whether a run was started for this quiz in the last `within`."""
    found = connection.execute(
        SELECT_BEING_WRITTEN,
        {
            "video_id": video_id,
            "within": within,
            "default": DEFAULT_QUESTION_COUNT,
            "question_count": wishes.question_count,
            "difficulty": wishes.difficulty,
            "bloom_level": wishes.bloom_level,
            "edition": wishes.edition,
        },
    )
    return found.fetchone() is not None
