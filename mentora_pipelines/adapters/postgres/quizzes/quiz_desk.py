"""Quizzes across creators, as the admin role: whose one is, requests and answers."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.quizzes.question_rows import question_of
from mentora_pipelines.adapters.postgres.quizzes.quiz_requests import (
    request_wished_quiz,
)
from mentora_pipelines.domain.events.payloads import QuizGenerationRequested
from mentora_pipelines.domain.quizzes.item_statistics import (
    AnswerCount,
    PlacedQuestion,
)
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.domain.quizzes.turns import RequestedQuiz
from mentora_pipelines.domain.videos import Video

# Under its own name, or that under which somebody asked for it.
SELECT_PLACE = """
select quizzes.id, quizzes.video_id
from quizzes
where quizzes.id = %(name)s
   or quizzes.id = (select quiz_id from quiz_requests where id = %(name)s)
limit 1
"""

SELECT_REASON = "select reason from quiz_requests where id = %(name)s"

COUNT_WAITING = """
select count(*)
from events
where name = %(name)s
  and status = 'pending'
  and payload ->> 'creatorId' = %(creator_id)s
  and id <> %(except)s
"""

SELECT_TAKEN = """
select quiz_id
from quiz_attempts
where created_at > now() - %(within)s
group by quiz_id
order by count(*) desc, quiz_id
limit %(limit)s
"""

SELECT_QUESTIONS = """
select
    id, quiz_id, position, kind, prompt, options, answer, further_answers, quote,
    0 as chunk_index, start_s, end_s, difficulty, bloom_level
from quiz_questions
where quiz_id = any(%(quiz_ids)s)
order by quiz_id, position
"""

# A written answer of a sentence is not marked by comparing letters, so that a short
# answer is in no figure. What is counted is bounded by the options and the questions.
SELECT_COUNTS = """
with first_attempts as (
    select distinct on (quiz_id, student_id) id, quiz_id, answers, created_at
    from quiz_attempts
    where quiz_id = any(%(quiz_ids)s)
    order by quiz_id, student_id, created_at, id
),
given as (
    select
        attempt.id as attempt_id,
        question.id as question_id,
        question.kind,
        array(
            select distinct lower(btrim(value))
            from unnest(question.answer || question.further_answers) as value
            order by 1) as keys,
        case jsonb_typeof(attempt.answers -> question.id::text)
            when 'array' then array(
                select distinct lower(btrim(value))
                from jsonb_array_elements_text(attempt.answers -> question.id::text)
                    as value
                order by 1)
            when 'null' then null
            else array[lower(btrim(attempt.answers ->> question.id::text))]
        end as answer
    from first_attempts as attempt
    join quiz_questions as question
        on question.quiz_id = attempt.quiz_id
        and (question.edited_at is null or attempt.created_at >= question.edited_at)
    where question.kind <> 'short_answer'
),
marked as (
    select
        *,
        coalesce(
            case kind
                when 'multiple_answer' then answer = keys
                else cardinality(answer) = 1 and answer <@ keys
            end, false) as is_right
    from given
),
scored as (
    select
        *,
        sum(is_right::integer) over (partition by attempt_id) - is_right::integer
            as rest
    from marked
)
select
    question_id,
    case when kind = 'fill_in' then null else answer end as answer,
    is_right,
    rest,
    count(*) as students
from scored
group by 1, 2, 3, 4
order by 1, 2, 3, 4
"""


class QuizDesk(Rows):
    """Satisfies `AnswerCounts`; what commands ask about quizzes of any creator."""

    def place(self, name: UUID) -> tuple[UUID, UUID] | None:
        """The quiz and the video behind a quiz's id or a request's, or None."""
        with self._database.transaction() as connection:
            row = connection.execute(SELECT_PLACE, {"name": name}).fetchone()
        return None if row is None else (row[0], row[1])

    def request(self, video: Video, wishes: QuizWishes) -> RequestedQuiz:
        """Ask for a quiz that is not there; one that came to nothing is asked anew."""
        with self._database.transaction() as connection:
            return request_wished_quiz(connection, video, wishes)

    def reason(self, requested_as: UUID) -> str | None:
        """Why no quiz answers a request, None when one does, or may still."""
        with self._database.transaction() as connection:
            row = connection.execute(SELECT_REASON, {"name": requested_as}).fetchone()
        return None if row is None else row[0]

    def waiting(self, creator_id: UUID, besides: UUID) -> int:
        """How many requests of a creator wait, but for the event `besides`."""
        with self._database.transaction() as connection:
            row = connection.execute(
                COUNT_WAITING,
                {
                    "name": QuizGenerationRequested.name,
                    "creator_id": str(creator_id),
                    "except": besides,
                },
            ).fetchone()
        return 0 if row is None else int(row[0])

    def quizzes_taken(self, within: timedelta, limit: int) -> list[UUID]:
        """Quizzes that students took in the last `within`, those taken most first."""
        with self._database.transaction() as connection:
            rows = connection.execute(SELECT_TAKEN, {"within": within, "limit": limit})
            return [row[0] for row in rows]

    def questions_of(self, quiz_ids: Sequence[UUID]) -> dict[UUID, PlacedQuestion]:
        """The questions of quizzes by id, in their order."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(SELECT_QUESTIONS, {"quiz_ids": list(quiz_ids)})
            return {
                row["id"]: PlacedQuestion(
                    row["quiz_id"], row["position"] + 1, question_of(row)
                )
                for row in rows
            }

    def answer_counts(self, quiz_ids: Sequence[UUID]) -> list[AnswerCount]:
        """How often each answer was given since its question was edited last."""
        with self._database.transaction() as connection:
            rows = connection.execute(SELECT_COUNTS, {"quiz_ids": list(quiz_ids)})
            return [
                AnswerCount(question_id, tuple(answer or ()), is_right, rest, students)
                for question_id, answer, is_right, rest, students in rows
            ]
