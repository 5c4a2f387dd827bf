"""Rows of `paid_answers`: what hosted writers said about quizzes in the making."""

from uuid import UUID

from psycopg import sql

from mentora_pipelines.adapters.postgres.database import Database, Rows
from mentora_pipelines.domain.videos import Video

# As long as the events that asked for them. The admin role lets older ones go.
ANSWER_GOOD_FOR = sql.SQL("interval '30 days'")

SELECT_ANSWER = sql.SQL("""
select answer from paid_answers
where quiz_id = %(quiz_id)s
  and request_hash = %(request_hash)s
  and created_at >= now() - {good_for}
""").format(good_for=ANSWER_GOOD_FOR)

INSERT_ANSWER = """
insert into paid_answers (quiz_id, request_hash, video_id, creator_id, answer)
values (%(quiz_id)s, %(request_hash)s, %(video_id)s, %(creator_id)s, %(answer)s)
on conflict (quiz_id, request_hash) do update
set answer = excluded.answer, created_at = excluded.created_at
"""

FORGET = "delete from paid_answers where quiz_id = %(quiz_id)s"


class PostgresPaidAnswers:
    """Satisfies `PaidAnswers` for one quiz, as its creator."""

    def __init__(self, database: Database, video: Video, quiz_id: UUID) -> None:
        self._database = database
        self._creator_id = video.creator_id
        self._names = {
            "quiz_id": quiz_id,
            "video_id": video.id,
            "creator_id": video.creator_id,
        }

    def recall(self, request_hash: str) -> str | None:
        """What was answered before, or None."""
        with self._database.transaction(self._creator_id) as connection:
            row = connection.execute(
                SELECT_ANSWER, {**self._names, "request_hash": request_hash}
            ).fetchone()
        return None if row is None else str(row[0])

    def keep(self, request_hash: str, answer: str) -> None:
        """Remember an answer, in the place of an earlier one."""
        with self._database.transaction(self._creator_id) as connection:
            connection.execute(
                INSERT_ANSWER,
                {**self._names, "request_hash": request_hash, "answer": answer},
            )

    def forget(self) -> None:
        """Let all answers about the quiz go."""
        with self._database.transaction(self._creator_id) as connection:
            connection.execute(FORGET, self._names)


class PaidAnswerRows(Rows):
    """Satisfies `PaidAnswerStore`."""

    def paid_answers(self, video: Video, quiz_id: UUID) -> PostgresPaidAnswers:
        """Those about one quiz of a video."""
        return PostgresPaidAnswers(self._database, video, quiz_id)
