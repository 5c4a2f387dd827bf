"""States of quizzes, and edits of their questions with what was before."""

from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.quizzes.question_rows import (
    question_as_json,
    question_of,
)
from mentora_pipelines.domain.identity import question_edit_id_of, question_id_of
from mentora_pipelines.domain.quizzes.life import EditedQuestion
from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.quizzes import QuizStatus
from mentora_pipelines.domain.videos import Video

MOVE = """
update quizzes
set status = %(after)s,
    approved_at = case %(after)s when 'approved' then now() else approved_at end,
    published_at = case %(after)s when 'published' then now() else published_at end
where id = %(quiz_id)s and video_id = %(video_id)s and status = %(before)s
"""

# A compare-and-set: of two edits of one question the second finds the first in place.
# Answers stay answers to it while only what it is said to be like is changed.
EDIT = """
update quiz_questions
set kind = %(kind)s, prompt = %(prompt)s, options = %(options)s, answer = %(answer)s,
    further_answers = %(further_answers)s, difficulty = %(difficulty)s,
    bloom_level = %(bloom_level)s, edits = edits + 1,
    edited_at = case
        when (kind, prompt, options, answer, further_answers) = (
            %(kind)s, %(prompt)s, %(options)s::text[], %(answer)s,
            %(further_answers)s::text[])
        then edited_at else now() end
where id = %(question_id)s
  and quiz_id = %(quiz_id)s
  and (kind, prompt, options, answer, further_answers, difficulty, bloom_level) = (
      %(old_kind)s, %(old_prompt)s, %(old_options)s::text[], %(old_answer)s,
      %(old_further_answers)s::text[], %(old_difficulty)s, %(old_bloom_level)s)
returning edits
"""

KEEP = """
insert into quiz_question_edits (id, creator_id, question_id, number, before)
values (%(id)s, %(creator_id)s, %(question_id)s, %(number)s, %(before)s)
"""

SELECT_HISTORY = """
select
    edit.number, edit.edited_at, edit.before, question.quote, question.start_s,
    question.end_s
from quiz_question_edits as edit
join quiz_questions as question on question.id = edit.question_id
where question.id = %(question_id)s
order by edit.number desc
"""


class QuizLifeRows(Rows):
    """Satisfies `QuizShelf`, together with `QuizRows`."""

    def move_quiz(
        self, video: Video, quiz_id: UUID, before: QuizStatus, after: QuizStatus
    ) -> bool:
        """Change the state if it is still `before`; whether it was."""
        with self._database.transaction(video.creator_id) as connection:
            return (
                connection.execute(
                    MOVE,
                    {
                        "quiz_id": quiz_id,
                        "video_id": video.id,
                        "before": before.value,
                        "after": after.value,
                    },
                ).rowcount
                == 1
            )

    def edit_question(
        self, video: Video, quiz_id: UUID, position: int, old: Question, new: Question
    ) -> bool:
        """Put `new` in the place of `old` and keep `old`; whether it still stood there.

        `position` counts from 0. The evidence of a question is not edited.
        """
        question_id = question_id_of(quiz_id, position)
        before = question_as_json(old)
        with self._database.transaction(video.creator_id) as connection:
            row = connection.execute(
                EDIT,
                {
                    **question_as_json(new),
                    **{f"old_{name}": value for name, value in before.items()},
                    "question_id": question_id,
                    "quiz_id": quiz_id,
                },
            ).fetchone()
            if row is None:
                return False
            connection.execute(
                KEEP,
                {
                    "id": question_edit_id_of(question_id, row[0]),
                    "creator_id": video.creator_id,
                    "question_id": question_id,
                    "number": row[0],
                    "before": Jsonb(before),
                },
            )
            return True

    def question_history(
        self, video: Video, quiz_id: UUID, position: int
    ) -> list[EditedQuestion]:
        """What a question was before each of its edits, the latest first."""
        with (
            self._database.transaction(video.creator_id) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(
                SELECT_HISTORY, {"question_id": question_id_of(quiz_id, position)}
            ).fetchall()
        return [
            EditedQuestion(
                row["number"],
                row["edited_at"],
                question_of({**row, **row["before"], "chunk_index": 0}),
            )
            for row in rows
        ]
