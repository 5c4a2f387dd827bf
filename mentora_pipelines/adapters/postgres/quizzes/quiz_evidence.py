"""Quizzes after the words that readers see: which stand, where, and which are stale."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.domain.quizzes.standing import Line, Said, SpokenWords

SELECT_QUESTIONS = """
select
    question.id, question.quiz_id, question.quote, question.start_s, question.end_s
from quizzes as quiz
join quiz_questions as question on question.quiz_id = quiz.id
where quiz.video_id = %(video_id)s
  and quiz.status in ('draft', 'approved', 'published')
order by question.quiz_id, question.position
"""

SELECT_LINES = """
select
    (segment.value ->> 'start')::float8 as start_s,
    (segment.value ->> 'end')::float8 as end_s,
    segment.value ->> 'text' as text
from videos
join transcripts as transcript on transcript.id = videos.published_transcript_id
cross join jsonb_array_elements(transcript.segments) with ordinality as segment
where videos.id = %(video_id)s
order by segment.ordinality
"""

# Bytes that come back bring their quotations with them.
REVIVE = """
update quizzes
set status = 'draft', stale_at = null, changed = '[]'
from videos
where videos.id = %(video_id)s
  and quizzes.video_id = videos.id
  and quizzes.transcript_id = videos.published_transcript_id
  and quizzes.status = 'stale'
"""

MARK_STALE = """
update quizzes set status = 'stale', stale_at = now(), changed = %(changed)s
where id = %(quiz_id)s and status in ('draft', 'approved', 'published')
"""

# The chunk that covers the evidence, else the nearest one, of the cut that readers see.
PLACE = """
update quiz_questions as question
set start_s = %(start_s)s, end_s = %(end_s)s,
    chunk_id = (
        select chunk.id
        from videos
        join transcript_chunks as chunk
            on chunk.video_id = videos.id
            and chunk.transcript_id = videos.published_transcript_id
            and chunk.cut = videos.published_chunk_cut
        where videos.id = %(video_id)s
        order by
            greatest(
                chunk.start_timestamp - %(start_s)s,
                %(end_s)s - chunk.end_timestamp,
                0),
            chunk.chunk_index
        limit 1)
where question.id = %(question_id)s
"""


def follow_published_words(connection: Connection, video_id: UUID) -> None:
    """Make the quizzes of a video fit the words that readers see since now.

    A question whose quotation still stands gets its times and chunk there; a quiz with
    one that does not is stale and says where. The caller holds the row of the video.
    """
    connection.execute(REVIVE, {"video_id": video_id})
    with connection.cursor(row_factory=dict_row) as cursor:
        questions = cursor.execute(SELECT_QUESTIONS, {"video_id": video_id}).fetchall()
    if not questions:
        return
    words = _published_words(connection, video_id)
    said = {row["id"]: words.find(row["quote"], row["start_s"]) for row in questions}
    lost = [row for row in questions if said[row["id"]] is None]
    stale = {row["quiz_id"] for row in lost}
    # What becomes stale keeps the times that it says where it was changed with.
    standing = [row for row in questions if row["quiz_id"] not in stale]
    connection.cursor().executemany(
        MARK_STALE,
        [
            {"quiz_id": quiz_id, "changed": Jsonb(_changed(quiz_id, lost, words))}
            for quiz_id in sorted(stale)
        ],
    )
    connection.cursor().executemany(PLACE, _places(standing, said, video_id))


def _published_words(connection: Connection, video_id: UUID) -> SpokenWords:
    with connection.cursor(row_factory=class_row(Line)) as cursor:
        return SpokenWords(
            cursor.execute(SELECT_LINES, {"video_id": video_id}).fetchall()
        )


def _changed(
    quiz_id: UUID, lost: Sequence[Mapping[str, Any]], words: SpokenWords
) -> list[dict[str, object]]:
    return [
        {
            "question_id": str(row["id"]),
            "quote": row["quote"],
            "start_s": row["start_s"],
            "end_s": row["end_s"],
            "now": words.between(row["start_s"], row["end_s"]),
        }
        for row in lost
        if row["quiz_id"] == quiz_id
    ]


def _places(
    standing: Sequence[Mapping[str, Any]],
    said: Mapping[UUID, Said | None],
    video_id: UUID,
) -> list[dict[str, object]]:
    return [
        {
            "question_id": row["id"],
            "video_id": video_id,
            "start_s": place.start_s,
            "end_s": place.end_s,
        }
        for row in standing
        if (place := said[row["id"]]) is not None
    ]
