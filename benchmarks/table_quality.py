"""What a night's look at every table costs, at its largest.

`python -m benchmarks.table_quality [LESSONS] [FACTS]` (2,000 and 400,000 by default):
lessons of an hour, each with 8,000 words, 60 chunks with vectors of 384 dimensions and
a quiz of ten questions, all published yesterday, so that a look takes as many as it
ever does (`MAX_LESSONS`); facts of two days. Prints what loading the library costs,
and for each table the rows, the seconds, the CPU of this process and its memory: the
server counts, and nothing is fetched.
"""

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.scratch_database import ScratchDatabase, scratch_database
from mentora_pipelines.adapters.table_quality.validator import (
    GreatExpectationsValidator,
)
from mentora_pipelines.domain.analytics.table_quality import QualityTable, new_rows

DIMENSIONS = 384

MAKE_LESSONS = """
insert into creators (id, email) values (md5('ada')::uuid, 'ada@tests.example');

insert into videos (id, creator_id, title, storage_key, upload_etag, duration_s,
    processing_status, processed_at, published_transcript_id)
select
    md5('video ' || n)::uuid, md5('ada')::uuid, 'Lesson', 'uploads/' || n, '1', 3600,
    'completed', now(), md5('video ' || n)::uuid
from generate_series(1, {lessons}) as n;

insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
select
    videos.id, videos.id, creator_id, 's', 'f', 'recognised', 'en', 3600, 8000,
    told.full_text, told.segments
from videos
cross join (
    select
        string_agg('sentence ' || n || repeat(' leaves', 18), chr(10) order by n)
            as full_text,
        jsonb_agg(
            jsonb_build_object(
                'text', 'sentence ' || n || repeat(' leaves', 18),
                'start', 9 * n - 9, 'end', 9 * n,
                'words', words.listed)
            order by n) as segments
    from generate_series(1, 400) as n
    cross join (
        select jsonb_agg(jsonb_build_array('leaves', 1, 2, 0.9)) as listed
        from generate_series(1, 20)
    ) as words
) as told;

insert into transcript_chunks (id, transcript_id, video_id, creator_id, chunk_index,
    chunk_text, text_hash, token_count, start_timestamp, end_timestamp, topic_tags, tsv)
select
    gen_random_uuid(), videos.id, videos.id, creator_id, n,
    videos.id || repeat(' chunk ' || n, 100), videos.id || '/' || n, 100, 60 * n,
    60 * n + 60, '{{plants}}', ''
from videos, generate_series(0, 59) as n;

insert into chunk_embeddings (generation_id, video_id, text_hash, creator_id, embedding)
select
    generation.id, videos.id, videos.id || '/' || n, creator_id,
    -- The chunk is named so that each has a vector of its own.
    l2_normalize(array(
        select random() - 0.5 from generate_series(1, {dimensions}) where n >= 0
    )::vector)
from videos
cross join generate_series(0, 59) as n
join embedding_generations as generation on generation.status = 'active';

insert into quizzes (id, video_id, creator_id, transcript_id, writer_fingerprint,
    question_count)
select id, id, creator_id, id, 'w', 10 from videos;

insert into quiz_questions (id, quiz_id, creator_id, position, kind, prompt, options,
    answer, quote, start_s, end_s)
select
    gen_random_uuid(), id, creator_id, n, 'multiple_choice', 'What grows there?',
    '{{roots,leaves,stems,buds}}',
    (array['roots', 'leaves', 'stems', 'buds'])[1 + mod(n, 4)],
    'sentence ' || 40 * n + 1, 0, 60
from videos, generate_series(0, 9) as n;
"""

MAKE_FACTS = """
insert into analytics_events (
    id, creator_id, student_id, event_name, created_at, ingested_at)
select
    gen_random_uuid(), md5('ada')::uuid, gen_random_uuid(), 'lesson_started', moment,
    moment + interval '1 second'
from (
    select date_trunc('day', now(), 'UTC') - interval '1 day'
        + n * interval '2 days' / {facts} as moment
    from generate_series(0, {facts} - 1) as n
) as moments;

insert into daily_metrics (metric_date, creator_id, events)
select day, null, 1000
from generate_series((now() at time zone 'UTC')::date - 40,
    (now() at time zone 'UTC')::date, '1 day') as day;
"""


def fill(database: ScratchDatabase, lessons: int, facts: int) -> None:
    """Write lessons and facts."""
    database.new_generation(DIMENSIONS)
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        for text in (MAKE_LESSONS, MAKE_FACTS):
            connection.execute(
                text.format(
                    lessons=lessons, facts=facts, dimensions=DIMENSIONS
                ).encode()
            )
        connection.execute("vacuum analyze")


def memory_mb() -> float:
    """The most that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(lessons: int, facts: int) -> None:
    """Fill a database of its own, and look at every table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(Path(folder) / "server") as database,
    ):
        started = time.perf_counter()
        fill(database, lessons, facts)
        print(f"{lessons:,} lessons written in {time.perf_counter() - started:.0f} s")
        before_mb, cpu_s = memory_mb(), time.process_time()
        import great_expectations

        print(
            f"loading great-expectations {great_expectations.__version__}: "
            f"{time.process_time() - cpu_s:.1f} s of CPU, "
            f"{memory_mb() - before_mb:.0f} MB"
        )
        validator = GreatExpectationsValidator(
            database.admin, database.admin_url, look_back_days=14
        )
        days = new_rows(datetime.now(UTC).date())
        for table in QualityTable:
            before_mb, cpu_s = memory_mb(), time.process_time()
            started = time.perf_counter()
            found = validator.validate(table, days)
            seconds = time.perf_counter() - started
            print(
                f"{table.value:18} {found.rows:9,} rows {seconds:6.1f} s, "
                f"{time.process_time() - cpu_s:4.1f} s of CPU here, "
                f"{memory_mb() - before_mb:3.0f} MB more, "
                f"{len(found.failed)} of {len(found.findings)} not met, "
                f"page of {len(found.page) / 1000:.0f} kB"
            )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 2_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 400_000,
    )
