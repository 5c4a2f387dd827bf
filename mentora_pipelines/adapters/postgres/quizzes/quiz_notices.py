"""Notices about quizzes: in the request that they were to answer, and by mail."""

from contextlib import suppress
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.operations.email_outbox import write_mail
from mentora_pipelines.adapters.postgres.quizzes.quiz_requests import upload_key
from mentora_pipelines.adapters.postgres.quizzes.quizzes import ANSWER_REQUEST
from mentora_pipelines.domain.events.payloads import quiz_request_id
from mentora_pipelines.domain.operations.mail import quiz_failure_mail
from mentora_pipelines.domain.operations.mail_variables import quiz_sentence
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode, InvalidInput

CAME_TO_NOTHING = """
select exists (
    select from quiz_requests where id = %(requested_as)s and quiz_id is null)
"""


class QuizNoticeRows(Rows):
    """Satisfies `QuizNotices` and `QuizRequests`."""

    def quiz_came_to_nothing(self, video: Video) -> bool:
        """Whether the quiz of this upload was asked for, and could not be written."""
        requested_as = quiz_request_id(upload_key(video))
        with self._database.transaction(video.creator_id) as connection:
            row = connection.execute(
                CAME_TO_NOTHING, {"requested_as": requested_as}
            ).fetchone()
        return row is not None and row[0] is True

    def quiz_failed(
        self,
        video: Video,
        code: ErrorCode,
        *,
        requested_as: UUID | None,
        run_id: UUID,
    ) -> None:
        """Write the reason to the request, and the mail unless it is there."""
        with self._database.transaction(video.creator_id) as connection:
            if requested_as is not None:
                connection.execute(
                    ANSWER_REQUEST,
                    {
                        "id": requested_as,
                        "creator_id": video.creator_id,
                        "quiz_id": None,
                        "reason": quiz_sentence(code),
                    },
                )
            # An address that cannot be written to changes nothing about the failure.
            with suppress(InvalidInput):
                mail = quiz_failure_mail(video, code, requested_as, run_id)
                write_mail(connection, mail)
