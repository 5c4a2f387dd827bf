"""The quiz that an upload gets without anybody asking again."""

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.events import write_event
from mentora_pipelines.domain.events.payloads import (
    QuizGenerationRequested,
    quiz_request_id,
)
from mentora_pipelines.domain.lessons.quizzes import DEFAULT_QUESTION_COUNT
from mentora_pipelines.domain.videos import Video


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
