"""Rows of `quizzes` and `quiz_questions`."""

from collections.abc import Sequence
from uuid import UUID

from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.identity import question_id_of
from mentora_pipelines.domain.lessons.questions import Question, QuestionKind
from mentora_pipelines.domain.lessons.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.videos import Video

COUNT_QUESTIONS = """
select count(question.id)
from quizzes left join quiz_questions as question on question.quiz_id = quizzes.id
where quizzes.id = %(quiz_id)s
group by quizzes.id
"""

SELECT_QUIZZES = """
select id, transcript_id, status, writer_fingerprint
from quizzes
where video_id = %(video_id)s
order by created_at desc, id
"""

SELECT_QUESTIONS = """
select
    question.quiz_id, question.kind, question.prompt, question.options,
    question.answer, question.quote, coalesce(chunk.chunk_index, 0),
    question.start_s, question.end_s
from quiz_questions as question
join quizzes as quiz on quiz.id = question.quiz_id
left join transcript_chunks as chunk on chunk.id = question.chunk_id
where quiz.video_id = %(video_id)s
order by question.quiz_id, question.position
"""

INSERT_QUIZ = """
insert into quizzes (
    id, video_id, creator_id, transcript_id, writer_fingerprint, question_count,
    refused)
values (
    %(id)s, %(video_id)s, %(creator_id)s, %(transcript_id)s,
    %(writer_fingerprint)s, %(question_count)s, %(refused)s)
on conflict (id) do nothing
"""

# The chunk is that of the cut which the writer has read (see `chunks`).
INSERT_QUESTION = """
insert into quiz_questions (
    id, quiz_id, creator_id, position, kind, prompt, options, answer, quote,
    chunk_id, start_s, end_s)
values (
    %(id)s, %(quiz_id)s, %(creator_id)s, %(position)s, %(kind)s, %(prompt)s,
    %(options)s, %(answer)s, %(quote)s,
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
    %(start_s)s, %(end_s)s)
"""

INSERT_REQUEST = """
insert into quiz_requests (id, creator_id, quiz_id)
values (%(id)s, %(creator_id)s, %(quiz_id)s)
on conflict (id) do nothing
"""


class QuizRows(Rows):
    """Satisfies `QuizStore`."""

    def question_count(self, video: Video, quiz_id: UUID) -> int | None:
        """How many questions a stored quiz has, or None when there is no such quiz."""
        with self._database.transaction(video.creator_id) as connection:
            row = connection.execute(COUNT_QUESTIONS, {"quiz_id": quiz_id}).fetchone()
        return None if row is None else int(row[0])

    def quizzes(self, video: Video) -> list[Quiz]:
        """The quizzes of a video with their questions, newest first."""
        with self._database.transaction(video.creator_id) as connection:
            quizzes = connection.execute(
                SELECT_QUIZZES, {"video_id": video.id}
            ).fetchall()
            questions: dict[UUID, list[Question]] = {row[0]: [] for row in quizzes}
            for quiz_id, kind, prompt, options, *rest in connection.execute(
                SELECT_QUESTIONS, {"video_id": video.id}
            ):
                questions[quiz_id].append(
                    Question(QuestionKind(kind), prompt, tuple(options), *rest)
                )
        return [
            Quiz(
                id=quiz_id,
                transcript_id=transcript_id,
                status=QuizStatus(status),
                writer_fingerprint=fingerprint,
                questions=tuple(questions[quiz_id]),
            )
            for quiz_id, transcript_id, status, fingerprint in quizzes
        ]

    def add_quiz(
        self,
        video: Video,
        quiz: Quiz,
        question_count: int,
        refused: Sequence[tuple[Question, str]],
    ) -> None:
        """Store a quiz with its questions in one transaction; a stored one stays."""
        with self._database.transaction(video.creator_id) as connection:
            inserted = connection.execute(
                INSERT_QUIZ,
                {
                    "id": quiz.id,
                    "video_id": video.id,
                    "creator_id": video.creator_id,
                    "transcript_id": quiz.transcript_id,
                    "writer_fingerprint": quiz.writer_fingerprint,
                    "question_count": question_count,
                    "refused": Jsonb(
                        [
                            {"prompt": question.prompt, "reason": reason}
                            for question, reason in refused
                        ]
                    ),
                },
            ).rowcount
            if not inserted:
                return
            connection.cursor().executemany(
                INSERT_QUESTION,
                [
                    {
                        "id": question_id_of(quiz.id, position),
                        "quiz_id": quiz.id,
                        "creator_id": video.creator_id,
                        "position": position,
                        "kind": question.kind.value,
                        "prompt": question.prompt,
                        "options": list(question.options),
                        "answer": question.answer,
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

    def answer_request(self, video: Video, requested_as: UUID, quiz_id: UUID) -> None:
        """Let whoever looks for `requested_as` find this quiz; the first one stays."""
        with self._database.transaction(video.creator_id) as connection:
            connection.execute(
                INSERT_REQUEST,
                {
                    "id": requested_as,
                    "creator_id": video.creator_id,
                    "quiz_id": quiz_id,
                },
            )
