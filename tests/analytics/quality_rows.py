"""Healthy rows of every table that is looked at, and a fault for every expectation."""

import json
from datetime import date
from math import cos, sin
from typing import LiteralString
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.domain.analytics.daily_metrics import DayRange
from mentora_pipelines.domain.analytics.table_quality import QualityTable
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel

DAYS = DayRange(date(2026, 11, 21), date(2026, 11, 22))
"""What the rows below are new in."""

TINY = EmbeddingModel("local", "tiny", 2)
CREATOR = "00000000-0000-4000-8000-0000000000a1"
LESSONS = 3
SENTENCES = 12
WORDS = 10
LESSON_WORD = "photosynthesis"
"""A word of every transcript; no page may hold it."""

EMPTY = """
truncate creators, videos, analytics_events, daily_metrics, quizzes, events cascade;
insert into creators (id, email) values ('00000000-0000-4000-8000-0000000000a1',
    'ada@tests.example');
select create_analytics_partitions('2026-11-01', 1);
"""

ADD_VIDEO = """
insert into videos (id, creator_id, title, storage_key, upload_etag, duration_s,
    processing_status, processed_at, published_transcript_id)
values (%(video)s, %(creator)s, 'Plants', %(video)s::text, '1', 60, 'completed',
    '2026-11-22T01:00Z', %(video)s)
"""

ADD_TRANSCRIPT = """
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
values (%(video)s, %(video)s, %(creator)s, 's', 'f', 'recognised', 'en', 60,
    %(words)s, %(text)s, %(segments)s)
"""

ADD_CHUNK = """
insert into transcript_chunks (id, transcript_id, video_id, creator_id, chunk_index,
    chunk_text, text_hash, token_count, start_timestamp, end_timestamp, topic_tags, tsv)
values (gen_random_uuid(), %(video)s, %(video)s, %(creator)s, %(index)s, %(text)s,
    %(hash)s, 30, %(start)s, %(end)s, '{plants}', '')
"""

ADD_VECTOR = """
insert into chunk_embeddings (generation_id, video_id, text_hash, creator_id, embedding)
select id, %(video)s, %(hash)s, %(creator)s, %(vector)s::vector
from embedding_generations where status = 'active'
"""

ADD_QUIZ = """
insert into quizzes (id, video_id, creator_id, transcript_id, writer_fingerprint,
    question_count)
values (%(video)s, %(video)s, %(creator)s, %(video)s, 'w', 12)
"""

ADD_QUESTION = """
insert into quiz_questions (id, quiz_id, creator_id, position, kind, prompt, options,
    answer, quote, start_s, end_s)
values (gen_random_uuid(), %(video)s, %(creator)s, %(index)s, 'multiple_choice',
    'What do the plants need at noon?', '{water,light,air,soil}', %(answer)s,
    %(quote)s, 0, 59)
"""

ADD_FACTS = """
insert into analytics_events (
    id, creator_id, student_id, event_name, created_at, ingested_at)
select gen_random_uuid(), '00000000-0000-4000-8000-0000000000a1', gen_random_uuid(),
    'lesson_started', moment, moment + interval '1 second'
from (
    select timestamptz '2026-11-21T00:00Z' + n * interval '10 minutes' as moment
    from generate_series(0, 199) as n
) as moments
"""

ADD_METRICS = """
insert into daily_metrics (metric_date, creator_id, events, active_students,
    active_student_ids, watch_minutes, lessons_started, lessons_completed, ai_cost_usd)
select day, creator_id, 1000, students, array_fill(gen_random_uuid(), array[students]),
    300, 100, 80, 0.5
from generate_series(date '2026-10-25', '2026-11-22', '1 day') as day
cross join (
    values (null::uuid, 10), ('00000000-0000-4000-8000-0000000000a1', 8)
) as owners (creator_id, students)
"""


def make_healthy(connection: Connection) -> None:
    """Three lessons with everything, two days of facts, four weeks of metrics."""
    with connection.transaction():
        connection.execute(EMPTY)
        for number in range(1, LESSONS + 1):
            _add_lesson(connection, number)
        connection.execute(ADD_FACTS)
        connection.execute(ADD_METRICS)


def _add_lesson(connection: Connection, number: int) -> None:
    ids = {
        "video": UUID(f"00000000-0000-4000-8000-{number:012}"),
        "creator": UUID(CREATOR),
    }
    sentences = [
        " ".join(
            [LESSON_WORD, f"lesson{number}", f"point{place}", *["word"] * (WORDS - 3)]
        )
        for place in range(SENTENCES)
    ]
    segments = [
        {
            "text": text,
            "start": 5 * place,
            "end": 5 * place + 5,
            "words": [[word, 5 * place, 5 * place + 5, 0.9] for word in text.split()],
        }
        for place, text in enumerate(sentences)
    ]
    words = {"words": SENTENCES * WORDS, "text": "\n".join(sentences)}
    connection.execute(ADD_VIDEO, ids)
    connection.execute(
        ADD_TRANSCRIPT, {**ids, **words, "segments": json.dumps(segments)}
    )
    for index in range(4):
        angle = number + index / 4
        chunk = {
            "index": index,
            "text": " ".join(sentences[3 * index : 3 * index + 3]),
            "hash": f"{number}/{index}",
            "start": 15 * index,
            "end": 15 * index + 15,
            "vector": f"[{cos(angle)}, {sin(angle)}]",
        }
        connection.execute(ADD_CHUNK, {**ids, **chunk})
        connection.execute(ADD_VECTOR, {**ids, **chunk})
    connection.execute(ADD_QUIZ, ids)
    for index, quote in enumerate(sentences):
        answer = ("water", "light", "air", "soil")[index % 4]
        connection.execute(
            ADD_QUESTION,
            {**ids, "index": index, "answer": answer, "quote": quote.upper()},
        )


FAULTS: dict[QualityTable, dict[str, LiteralString]] = {
    QualityTable.DAILY_METRICS: {
        "nobody watches for longer than a day lasts": """
            update daily_metrics set watch_minutes = 1441 * active_students
            where metric_date = '2026-11-22' and creator_id is not null""",
        "the platform has the students of each of its creators": """
            update daily_metrics
            set active_students = 5, active_student_ids = active_student_ids[1:5]
            where metric_date = '2026-11-22' and creator_id is null""",
        "at most one fact in a hundred is malformed": """
            update daily_metrics set malformed_events = 11
            where metric_date = '2026-11-22' and creator_id is null""",
        "a day has the number of facts that its weekday has": """
            update daily_metrics set events = events / 5
            where metric_date = '2026-11-22' and creator_id is null""",
        "AI costs what it does on other days": """
            update daily_metrics set ai_cost_usd = 50
            where metric_date = '2026-11-22' and creator_id is null""",
        "what was finished in four weeks was begun": """
            update daily_metrics set lessons_completed = 120""",
    },
    QualityTable.TRANSCRIPTS: {
        "words are counted rightly": """
            update transcripts set word_count = word_count + 1
            where id = '00000000-0000-4000-8000-000000000001'""",
        "the text is that of its sentences": """
            update transcripts set full_text = full_text || ' more'
            where id = '00000000-0000-4000-8000-000000000001'""",
        "speech ends within the recording": """
            update transcripts set segments = jsonb_set(segments, '{11,end}', '99')
            where id = '00000000-0000-4000-8000-000000000001'""",
        "no character was lost": """
            update transcripts
            set full_text = replace(full_text, 'lesson1 ', chr(65533) || ' '),
                segments = replace(
                    segments::text, 'lesson1 ', chr(65533) || ' ')::jsonb
            where id = '00000000-0000-4000-8000-000000000001'""",
        "the language is told by its code": """
            update transcripts set language = 'English'
            where id = '00000000-0000-4000-8000-000000000001'""",
        "nine lessons in ten have 10 to 300 words a minute": """
            update transcripts set duration_s = 2000
            where id = '00000000-0000-4000-8000-000000000001'""",
    },
    QualityTable.VIDEO_CHUNKS: {
        "no index of a chunk is left out": """
            delete from transcript_chunks where text_hash = '1/1'""",
        "a chunk begins after the one before": """
            update transcript_chunks set start_timestamp = 0 where text_hash = '1/2'""",
        "no chunk ends after its video": """
            update transcript_chunks set end_timestamp = 80 where text_hash = '1/3'""",
        "a chunk says something": """
            update transcript_chunks set chunk_text = repeat('… ', 60)
            where text_hash = '1/1'""",
        "chunks last 1 to 300 seconds": """
            update transcript_chunks
            set start_timestamp = 59.5, chunk_text = 'Plants grow.'
            where text_hash = '1/3'""",
        "chunks hold 1 to 60 characters a second": """
            update transcript_chunks set chunk_text = repeat('words ', 300)
            where text_hash = '1/1'""",
        "four chunks in five have a topic": """
            update transcript_chunks set topic_tags = '{}' where chunk_index < 2""",
        "a lesson does not repeat itself": """
            update transcript_chunks as again set chunk_text = first.chunk_text
            from transcript_chunks as first
            where first.text_hash = '1/0' and again.text_hash = '1/1'""",
    },
    QualityTable.CHUNK_EMBEDDINGS: {
        "different texts have different vectors": """
            update chunk_embeddings set embedding = '[1, 0]'
            where text_hash in ('1/0', '1/1')""",
        "vectors have a length of one": """
            update chunk_embeddings set embedding = '[2, 0]'
            where text_hash = '1/0'""",
        "half of the vectors are in use": """
            update transcript_chunks set text_hash = text_hash || '!'
            where text_hash not like '1/%'""",
    },
    QualityTable.QUIZZES: {
        "a quiz has questions": """
            insert into quizzes (id, video_id, creator_id, transcript_id,
                writer_fingerprint, question_count)
            select gen_random_uuid(), id, creator_id, id, 'w', 5 from videos
            where id = '00000000-0000-4000-8000-000000000001'""",
        "the right answer is one of the options": """
            update quiz_questions set answer = 'none of these'
            where position = 0
              and quiz_id = '00000000-0000-4000-8000-000000000001'""",
        "no evidence lies after its video's end": """
            update quiz_questions set end_s = 100
            where position = 0
              and quiz_id = '00000000-0000-4000-8000-000000000001'""",
        "what a quiz quotes stands in the lesson that students see": """
            update quiz_questions set quote = 'Bananas sing.'
            where position = 0
              and quiz_id = '00000000-0000-4000-8000-000000000001'""",
        "seven quizzes in ten have half of the questions that were asked for": """
            update quizzes set question_count = 40""",
        "the right answer is not always in the same place": """
            update quiz_questions set answer = options[1]""",
        "prompts have 10 to 400 characters": """
            update quiz_questions set prompt = 'Why?' where position < 2""",
        "half of the quizzes are not stale": """
            update quizzes set status = 'stale'
            where id <> '00000000-0000-4000-8000-000000000001'""",
    },
    QualityTable.ANALYTICS_EVENTS: {
        "what a student does names the student": """
            update analytics_events set student_id = null
            where created_at = '2026-11-21T01:00Z'""",
        "properties are an object": """
            update analytics_events set properties = '[]'
            where created_at = '2026-11-21T01:00Z'""",
        "no name is nearly one that counts": """
            update analytics_events set event_name = 'Lesson-Started'
            where created_at = '2026-11-21T01:00Z'""",
        "no clock is more than five minutes ahead": """
            update analytics_events set created_at = '2026-11-21T01:10Z'
            where created_at = '2026-11-21T01:00Z'""",
        "facts come before the look-back for them ends": """
            update analytics_events set created_at = '2026-11-01T01:00Z'
            where created_at = '2026-11-21T01:00Z'""",
        "facts are about creators who exist": """
            update analytics_events set creator_id = gen_random_uuid()
            where created_at < '2026-11-21T01:00Z'""",
        "a fact is sent once": """
            insert into analytics_events (
                id, creator_id, student_id, event_name, created_at, ingested_at)
            select gen_random_uuid(), creator_id, student_id, event_name, created_at,
                ingested_at
            from analytics_events where created_at < '2026-11-21T01:00Z'""",
        "a fact lies in the partition of its month": """
            update analytics_events
            set created_at = '2040-02-01T01:00Z', ingested_at = '2026-11-22T01:00Z'
            where created_at = '2026-11-21T01:00Z'""",
    },
}
"""For each expectation, a statement after which it is not true."""

COMPANIONS = {
    "a fact lies in the partition of its month": {
        "no clock is more than five minutes ahead"
    },
}
"""Expectations that the same fault must break too."""
