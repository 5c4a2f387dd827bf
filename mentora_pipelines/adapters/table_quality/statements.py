"""The statement of each table: a row for each thing, a column for each expectation.

Here belongs what is read, and how much of it. No column holds what somebody said or
sent: values and keys end in pages and logs. `{first}` and `{last}` are the days whose
rows are new, `{slice}` of `{slices}` those of the rest that are looked at too.
"""

from typing import LiteralString

from psycopg import sql

from mentora_pipelines.domain.analytics.daily_metrics import DayRange
from mentora_pipelines.domain.analytics.table_quality import (
    MAX_LESSONS,
    SLICES,
    QualityTable,
    slice_of,
)

# The last byte of an id is as random as a hash of it, whoever made it.
CANDIDATES: LiteralString = """
with candidates as (
    select
        id, duration_s, published_transcript_id,
        processed_at >= {first}::timestamp at time zone 'UTC' as is_new
    from videos
    where published_transcript_id is not null
      and (processed_at >= {first}::timestamp at time zone 'UTC'
        or mod(get_byte(uuid_send(id), 15), {slices}) = {slice})
)
"""

# Where there is no room for all, the new and the others have half of it each, and every
# day it is for other ones.
ROOM: LiteralString = """
, lessons as materialized (
    select id, duration_s, published_transcript_id
    from candidates
    order by
        row_number() over (partition by is_new order by md5(id::text || {last})),
        is_new desc
    limit {max_lessons}
)
"""
LESSONS: LiteralString = CANDIDATES + ROOM

WITHOUT_ROOM: LiteralString = """
select greatest(count(*) - {max_lessons}, 0) from candidates
"""
LEFT_OUT: LiteralString = CANDIDATES + WITHOUT_ROOM

DAILY_METRICS: LiteralString = """
select
    to_char(days.metric_date::timestamp, 'YYYY-MM-DD') || ' '
        || coalesce(days.creator_id::text, 'platform') as row_key,
    days.watch_minutes / nullif(days.active_students, 0) as minutes_a_student,
    case when days.creator_id is null then
        days.active_students - coalesce(largest.students, 0)
    end as students_beyond_the_largest_creator,
    case when days.creator_id is null then
        days.malformed_events::float8 / nullif(days.events, 0)
    end as malformed_share,
    -- Three such days, or it is not known what is usual.
    case when usual.weekdays >= 3 and usual.facts >= 100 then
        days.events / usual.facts
    end as facts_to_usual,
    case when usual.days >= 7 and days.ai_cost_usd > 1 then
        days.ai_cost_usd::float8 / greatest(usual.cost_usd, 0.01)
    end as cost_to_usual,
    case when usual.days >= 7 then
        usual.completed::float8 / nullif(usual.started, 0)
    end as completed_to_started
from daily_metrics as days
left join lateral (
    select max(active_students) as students
    from daily_metrics as of_creator
    where of_creator.metric_date = days.metric_date
      and of_creator.creator_id is not null
) as largest on days.creator_id is null
left join lateral (
    select
        count(*) as days,
        count(*) filter (where is_weekday) as weekdays,
        percentile_cont(0.5) within group (order by events)
            filter (where is_weekday) as facts,
        percentile_cont(0.5) within group (order by ai_cost_usd::float8) as cost_usd,
        sum(lessons_completed) as completed,
        sum(lessons_started) as started
    from (
        select *, mod(days.metric_date - before.metric_date, 7) = 0 as is_weekday
        from daily_metrics as before
        where before.creator_id is null
          and before.metric_date between days.metric_date - 28 and days.metric_date - 1
    ) as before
) as usual on days.creator_id is null
where days.metric_date between {first} and {last}
"""

TRANSCRIPTS: LiteralString = """
select
    transcripts.id::text as row_key,
    transcripts.word_count - told.words as words_miscounted,
    transcripts.full_text = told.words_as_text as text_is_told,
    told.ends_s - transcripts.duration_s as overrun_s,
    -- What a decoder writes in place of bytes that are no text.
    position(chr(65533) in transcripts.full_text) = 0 as has_all_characters,
    transcripts.language ~ '^[a-z]{{2,3}}(-[A-Za-z0-9]+)*$' as language_is_code,
    -- Under half a minute there is no speed to speak of.
    case when transcripts.duration_s >= 30 then
        transcripts.word_count * 60 / transcripts.duration_s
    end as words_a_minute
from transcripts
cross join lateral (
    select
        coalesce(sum(jsonb_array_length(segment -> 'words')), 0) as words,
        coalesce(string_agg(segment ->> 'text', chr(10) order by place), '')
            as words_as_text,
        max((segment ->> 'end')::float8) as ends_s
    from jsonb_array_elements(transcripts.segments)
        with ordinality as listed (segment, place)
) as told
where transcripts.id in (select published_transcript_id from lessons)
"""

VIDEO_CHUNKS: LiteralString = r"""
select
    chunk.id::text as row_key,
    chunk.chunk_index + 1 - row_number() over (
        partition by chunk.video_id order by chunk.chunk_index) as index_gap,
    chunk.start_timestamp - lag(chunk.start_timestamp) over (
        partition by chunk.video_id order by chunk.chunk_index) as step_s,
    chunk.end_timestamp - lessons.duration_s as overrun_s,
    chunk.chunk_text ~ '\w' as says_something,
    chunk.end_timestamp - chunk.start_timestamp as seconds,
    char_length(chunk.chunk_text)
        / nullif(chunk.end_timestamp - chunk.start_timestamp, 0) as characters_a_second,
    cardinality(chunk.topic_tags) as topics,
    count(*) over (
        partition by chunk.video_id, md5(chunk.chunk_text)) as chunks_of_this_text
from lessons
join video_chunks as chunk on chunk.video_id = lessons.id
"""

CHUNK_EMBEDDINGS: LiteralString = """
, vectors as materialized (
    select
        vector_row.video_id,
        vector_row.text_hash,
        vector_norm(vector_row.embedding) as length,
        md5(vector_send(vector_row.embedding)) as fingerprint
    from lessons
    join embedding_generations as generation on generation.status = 'active'
    join chunk_embeddings as vector_row
        on vector_row.generation_id = generation.id
        and vector_row.video_id = lessons.id
),
fingerprints as (
    select fingerprint, count(distinct text_hash) as texts
    from vectors group by fingerprint
)
select
    vectors.video_id || '/' || vectors.text_hash as row_key,
    vectors.length,
    fingerprints.texts as texts_of_this_vector,
    exists (
        select from transcript_chunks as chunk
        where chunk.video_id = vectors.video_id
          and chunk.text_hash = vectors.text_hash) as is_used
from vectors
join fingerprints on fingerprints.fingerprint = vectors.fingerprint
"""

# Case and the line end between two sentences do not count in a quotation.
QUIZZES: LiteralString = r"""
, texts as materialized (
    select
        lessons.id as video_id,
        lessons.duration_s,
        transcripts.full_text,
        lower(translate(transcripts.full_text, chr(10), ' ')) as one_line
    from lessons
    join transcripts on transcripts.id = lessons.published_transcript_id
    where exists (select from quizzes where quizzes.video_id = lessons.id)
),
questions as (
    select
        quizzes.id as quiz_id,
        quizzes.question_count,
        quizzes.status,
        question.*,
        question.end_s - texts.duration_s as overrun_s,
        case
            when quizzes.status = 'stale' then null
            -- Fifteen times as fast, and nearly always enough.
            when position(
                lower(translate(question.quote, chr(10), ' ')) in texts.one_line) > 0
            then true
            else position(
                lower(regexp_replace(question.quote, '\s+', ' ', 'g'))
                in lower(regexp_replace(texts.full_text, '\s+', ' ', 'g'))) > 0
        end as quote_stands,
        case when question.kind = 'multiple_choice' then
            array_position(question.options, question.answer)
        end as place
    from texts
    join quizzes
        on quizzes.video_id = texts.video_id and quizzes.status <> 'discarded'
    left join lateral (
        select position, kind, prompt, options, answer, quote, end_s
        from quiz_questions where quiz_questions.quiz_id = quizzes.id
    ) as question on true
)
select
    quiz_id || coalesce('/' || position, '') as row_key,
    count(position) over of_quiz as questions,
    count(position) over of_quiz::float8 / question_count as share_of_asked,
    case when kind = 'multiple_choice' then place is not null end as answer_is_option,
    overrun_s,
    quote_stands,
    -- 0: always the first; 1: always the last. Thirty tell a habit from chance.
    case when count(place) over () >= 30 then
        avg((place - 1)::float8 / nullif(cardinality(options) - 1, 0)) over ()
    end as mean_place_of_answer,
    char_length(prompt) as prompt_characters,
    status <> 'stale' as is_fresh
from questions
window of_quiz as (partition by quiz_id)
"""

ANALYTICS_EVENTS: LiteralString = """
select
    facts.id::text as row_key,
    case when event_name in (
        'session_started', 'lesson_started', 'lesson_watched', 'lesson_completed',
        'quiz_attempted', 'chat_message_sent', 'achievement_unlocked', 'student_joined')
    then student_id is not null end as names_student,
    jsonb_typeof(properties) = 'object' as has_properties,
    counted.name is null or counted.name = event_name as is_spelt_rightly,
    extract(epoch from facts.created_at - ingested_at)::float8 as ahead_s,
    facts.created_at >= ingested_at - make_interval(days => {look_back_days})
        as is_in_time,
    case when facts.creator_id is not null then creators.id is not null end
        as has_creator,
    count(*) over (partition by hash_record_extended(
        (facts.creator_id, student_id, video_id, event_name, facts.created_at,
            properties), 0)) as copies,
    facts.tableoid <> to_regclass('analytics_events_default') as is_in_its_month
from analytics_events as facts
left join creators on creators.id = facts.creator_id
left join (
    values ('session_started'), ('lesson_started'), ('lesson_watched'),
        ('lesson_completed'), ('quiz_attempted'), ('chat_message_sent'),
        ('achievement_unlocked'), ('student_joined'), ('video_processed'),
        ('video_failed')
) as counted (name)
    on replace(counted.name, '_', '')
        = lower(regexp_replace(event_name, '[^A-Za-z]', '', 'g'))
where ingested_at >= {first}::timestamp at time zone 'UTC'
  and ingested_at < ({last} + 1)::timestamp at time zone 'UTC'
"""

OF_LESSONS = frozenset(
    (
        QualityTable.TRANSCRIPTS,
        QualityTable.VIDEO_CHUNKS,
        QualityTable.CHUNK_EMBEDDINGS,
        QualityTable.QUIZZES,
    )
)
"""Those of whose lessons a look takes at most so many."""

STATEMENTS: dict[QualityTable, LiteralString] = {
    QualityTable.DAILY_METRICS: DAILY_METRICS,
    QualityTable.TRANSCRIPTS: LESSONS + TRANSCRIPTS,
    QualityTable.VIDEO_CHUNKS: LESSONS + VIDEO_CHUNKS,
    QualityTable.CHUNK_EMBEDDINGS: LESSONS + CHUNK_EMBEDDINGS,
    QualityTable.QUIZZES: LESSONS + QUIZZES,
    QualityTable.ANALYTICS_EVENTS: ANALYTICS_EVENTS,
}


def statement(
    table: QualityTable,
    days: DayRange,
    *,
    look_back_days: int,
    max_lessons: int = MAX_LESSONS,
) -> str:
    """The statement with its values in it, since Great Expectations takes none."""
    return (
        sql.SQL(STATEMENTS[table])
        .format(**_lesson_values(days, max_lessons), look_back_days=look_back_days)
        .as_string()
        .strip()
    )


def left_out(days: DayRange, max_lessons: int) -> sql.Composed:
    """Counts the lessons for which a look has no room."""
    return sql.SQL(LEFT_OUT).format(**_lesson_values(days, max_lessons))


def _lesson_values(days: DayRange, max_lessons: int) -> dict[str, object]:
    return {
        "first": days.first,
        "last": days.last,
        "slice": slice_of(days.last),
        "slices": SLICES,
        "max_lessons": max_lessons,
    }
