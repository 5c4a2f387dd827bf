"""Rows of `quizzes` and `quiz_questions`, as they are written and read."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.adapters.postgres.quizzes.question_rows import (
    question_as_json,
    question_of,
)
from mentora_pipelines.adapters.postgres.quizzes.quiz_evidence import (
    follow_published_words,
)
from mentora_pipelines.domain.identity import question_id_of
from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.quizzes import ChangedSpan, Quiz, QuizStatus
from mentora_pipelines.domain.quizzes.review import Refusal
from mentora_pipelines.domain.quizzes.turns import WRITING_LIMIT
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import Busy

POLL_S = 0.3

SELECT_QUIZZES = """
select
    id, transcript_id, status, writer_fingerprint, question_count, wishes, changed
from quizzes
where video_id = %(video_id)s
order by created_at desc, id
"""

SELECT_QUESTIONS = """
select
    question.quiz_id, question.kind, question.prompt, question.options,
    question.answer, question.further_answers, question.quote,
    coalesce(chunk.chunk_index, 0) as chunk_index, question.start_s, question.end_s,
    question.difficulty, question.bloom_level
from quiz_questions as question
join quizzes as quiz on quiz.id = question.quiz_id
left join transcript_chunks as chunk
    on chunk.creator_id = question.creator_id and chunk.id = question.chunk_id
where quiz.video_id = %(video_id)s
order by question.quiz_id, question.position
"""

# Whoever publishes waits, and then finds this quiz.
HOLD_PUBLISHED_WORDS = """
select published_transcript_id from videos where id = %(video_id)s for share
"""

INSERT_QUIZ = """
insert into quizzes (
    id, video_id, creator_id, transcript_id, writer_fingerprint, question_count,
    wishes, refused)
values (
    %(id)s, %(video_id)s, %(creator_id)s, %(transcript_id)s,
    %(writer_fingerprint)s, %(question_count)s, %(wishes)s, %(refused)s)
on conflict (id) do nothing
"""

# The chunk is that of the cut which the writer has read (see `chunks`).
INSERT_QUESTION = """
insert into quiz_questions (
    id, quiz_id, creator_id, position, kind, prompt, options, answer,
    further_answers, quote, chunk_id, start_s, end_s, difficulty, bloom_level)
values (
    %(id)s, %(quiz_id)s, %(creator_id)s, %(position)s, %(kind)s, %(prompt)s,
    %(options)s, %(answer)s, %(further_answers)s, %(quote)s,
    (
        select chunk.id
        from transcript_chunks as chunk
        join videos as video on video.id = chunk.video_id
        where chunk.transcript_id = %(transcript_id)s
          and chunk.video_id = %(video_id)s
          and chunk.chunk_index = %(chunk_index)s
          and chunk.cut = case chunk.transcript_id
              when video.published_transcript_id then video.published_chunk_cut
              when video.staged_transcript_id then video.staged_chunk_cut
          end
    ),
    %(start_s)s, %(end_s)s, %(difficulty)s, %(bloom_level)s)
"""

ANSWER_REQUEST = """
insert into quiz_requests (id, creator_id, quiz_id, reason)
values (%(id)s, %(creator_id)s, %(quiz_id)s, %(reason)s)
on conflict (id) do update
set quiz_id = excluded.quiz_id, reason = excluded.reason, created_at = now()
where quiz_requests.quiz_id is null
"""

# Freed with the transaction, also when this process or its connection dies. The
# transaction rests while the writer writes.
TAKE_TURN = """
select
    pg_try_advisory_xact_lock(hashtextextended('quiz ' || %(video_id)s, 0)),
    set_config('idle_in_transaction_session_timeout', %(limit_ms)s, true)
"""


class QuizRows(Rows):
    """Satisfies `QuizStore`."""

    def quizzes(self, video: Video) -> list[Quiz]:
        """The quizzes of a video with their questions, newest first."""
        with (
            self._database.transaction(video.creator_id) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(SELECT_QUIZZES, {"video_id": video.id}).fetchall()
            questions: dict[UUID, list[Question]] = {row["id"]: [] for row in rows}
            for row in cursor.execute(SELECT_QUESTIONS, {"video_id": video.id}):
                questions[row["quiz_id"]].append(question_of(row))
        return [_quiz_of(row, questions[row["id"]]) for row in rows]

    @contextmanager
    def writing_alone(self, video: Video) -> Iterator[None]:
        """While it lasts nobody else writes a quiz of this video; others wait.

        Raises `Busy` to those that have waited for `WRITING_LIMIT`.
        """
        give_up = time.monotonic() + WRITING_LIMIT.total_seconds()
        while True:
            # What is done meanwhile measures itself; little of it is the database.
            with self._database.untimed_transaction(video.creator_id) as connection:
                if _has_turn(connection, video):
                    yield
                    return
            if time.monotonic() > give_up:
                raise Busy(f"another quiz of video {video.id} is still being written")
            # Without a connection, so that those who wait keep none from the writer.
            time.sleep(random.SystemRandom().uniform(POLL_S / 2, POLL_S))

    def add_quiz(
        self, video: Video, quiz: Quiz, refused: Sequence[Refusal] = ()
    ) -> None:
        """Store a quiz with its questions in one transaction; a stored one stays.

        Where other words were published while it was written, it follows them at once.
        """
        with self._database.transaction(video.creator_id) as connection:
            shown = connection.execute(
                HOLD_PUBLISHED_WORDS, {"video_id": video.id}
            ).fetchone()
            inserted = connection.execute(
                INSERT_QUIZ,
                {
                    "id": quiz.id,
                    "video_id": video.id,
                    "creator_id": video.creator_id,
                    "transcript_id": quiz.transcript_id,
                    "writer_fingerprint": quiz.writer_fingerprint,
                    "question_count": quiz.question_count,
                    "wishes": quiz.wishes,
                    "refused": Jsonb([_as_json(refusal) for refusal in refused]),
                },
            ).rowcount
            if not inserted:
                return
            connection.cursor().executemany(
                INSERT_QUESTION,
                [
                    {
                        **question_as_json(question),
                        "id": question_id_of(quiz.id, position),
                        "quiz_id": quiz.id,
                        "creator_id": video.creator_id,
                        "position": position,
                        "quote": question.quote,
                        "chunk_index": question.chunk_index,
                        "transcript_id": quiz.transcript_id,
                        "video_id": video.id,
                        "start_s": question.start_s,
                        "end_s": question.end_s,
                    }
                    for position, question in enumerate(quiz.questions)
                ],
            )
            if shown is not None and shown[0] not in (None, quiz.transcript_id):
                follow_published_words(connection, video.id)

    def answer_request(self, video: Video, requested_as: UUID, quiz_id: UUID) -> None:
        """Let whoever looks for `requested_as` find this quiz; the first one stays."""
        self._answer(video, requested_as, quiz_id, None)

    def refuse_request(self, video: Video, requested_as: UUID, reason: str) -> None:
        """Let whoever looks for `requested_as` find why there is no quiz (yet)."""
        self._answer(video, requested_as, None, reason)

    def _answer(
        self, video: Video, requested_as: UUID, quiz_id: UUID | None, reason: str | None
    ) -> None:
        with self._database.transaction(video.creator_id) as connection:
            connection.execute(
                ANSWER_REQUEST,
                {
                    "id": requested_as,
                    "creator_id": video.creator_id,
                    "quiz_id": quiz_id,
                    "reason": reason,
                },
            )


def _has_turn(connection: Connection, video: Video) -> bool:
    limit_ms = WRITING_LIMIT // timedelta(milliseconds=1)
    row = connection.execute(
        TAKE_TURN, {"video_id": str(video.id), "limit_ms": str(limit_ms)}
    ).fetchone()
    return row is not None and row[0] is True


def _quiz_of(row: Mapping[str, Any], questions: Sequence[Question]) -> Quiz:
    return Quiz(
        id=row["id"],
        transcript_id=row["transcript_id"],
        status=QuizStatus(row["status"]),
        writer_fingerprint=row["writer_fingerprint"],
        questions=tuple(questions),
        question_count=row["question_count"],
        wishes=row["wishes"],
        changed=tuple(
            ChangedSpan(
                UUID(span["question_id"]),
                span["quote"],
                span["start_s"],
                span["end_s"],
                span["now"],
            )
            for span in row["changed"]
        ),
    )


def _as_json(refusal: Refusal) -> dict[str, object]:
    """A refused question, for those who look after the writers."""
    repaired = refusal.repaired
    return {
        "question": {
            **question_as_json(refusal.question),
            "quote": refusal.question.quote,
        },
        "faults": [{"code": f.code, "reason": f.reason} for f in refusal.faults],
        "repaired": None if repaired is None else question_as_json(repaired),
        "remaining": [{"code": f.code, "reason": f.reason} for f in refusal.remaining],
    }
