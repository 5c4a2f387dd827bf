"""Rows for every table of the schema, and the statements that try them."""

from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.adapters.postgres.search.generations import GenerationRows
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel

ADA = "00000000-0000-7000-8000-000000000001"
"""The creator of every row below."""

BOB = "00000000-0000-7000-8000-000000000002"
"""A creator without any row."""

VIDEO = "00000000-0000-7000-8000-000000000011"
STUDENT = "00000000-0000-7000-8000-000000000021"
MEMBERSHIP = "00000000-0000-7000-8000-000000000022"
SESSION = "00000000-0000-7000-8000-000000000023"

TINY = EmbeddingModel("local", "tiny", 2)
GENERATION = str(TINY.generation_id)

GENERATION_ROWS = """
insert into embedding_generations (id, provider, model, dimensions, status)
values ({generation}, 'local', 'tiny', 2, 'active');
create table chunk_embeddings_test partition of chunk_embeddings
    for values in ({generation});
"""
"""What `fill` makes of `TINY`, for a revision that is older than the pipeline."""

LESSON_ROWS = """
insert into creators (id, email) values ({ada}, 'ada@x.io'), ({bob}, 'bob@x.io');
insert into videos (id, creator_id, title, storage_key, upload_etag)
values ({video}, {ada}, 'Plants', 'uploads/2026-11-01/ada@x.io/plants.mp4', 'e1');
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
values ('00000000-0000-7000-8000-000000000012', {video}, {ada}, 's', 'f',
    'recognised', 'en', 2, 2, 'Plants grow.', '[]');
insert into caption_tracks (
    transcript_id, video_id, creator_id, language, storage_key, cues)
values ('00000000-0000-7000-8000-000000000012', {video}, {ada}, 'en', 'c', '[]');
insert into transcript_chunks (id, transcript_id, video_id, creator_id, chunk_index,
    chunk_text, text_hash, token_count, start_timestamp, end_timestamp, tsv)
values ('00000000-0000-7000-8000-000000000013', '00000000-0000-7000-8000-000000000012',
    {video}, {ada}, 0, 'Plants grow.', 'h', 3, 0, 2, '');
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
values ({generation}, {video}, 'h', {ada}, '[1, 2]');
insert into quizzes (id, video_id, creator_id, transcript_id, writer_fingerprint,
    question_count)
values ('00000000-0000-7000-8000-000000000016', {video}, {ada},
    '00000000-0000-7000-8000-000000000012', 'w', 1);
insert into quiz_questions (id, quiz_id, creator_id, position, kind, prompt, options,
    answer, quote, chunk_id, start_s, end_s)
values ('00000000-0000-7000-8000-000000000017', '00000000-0000-7000-8000-000000000016',
    {ada}, 0, 'cloze', 'Plants ___.', '{{grow,sing}}', 'grow', 'Plants grow.',
    '00000000-0000-7000-8000-000000000013', 0, 2);
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
values
    ('00000000-0000-7000-8000-000000000018', 'video/upload.completed', 1, 'a', {ada},
     '{{}}'),
    ('00000000-0000-7000-8000-000000000019', 'analytics/daily.aggregate', 1, 'b', null,
     '{{}}');
"""
"""A row of every table of the first revision, but for the generation."""

PLATFORM_ROWS = """
insert into students (id, creator_id, email) values ({student}, {ada}, 'eve@x.io');
insert into memberships (
    id, creator_id, user_id, product_id, student_id, status, synced_at)
values ({membership}, {ada}, 'user_1', 'prod_1', {student}, 'active', now());
insert into membership_answers (
    creator_id, user_id, resource_id, granted, is_staff, answered_at)
values ({ada}, 'user_1', 'prod_1', true, false, now());
insert into chat_sessions (id, creator_id, student_id, video_id)
values ({session}, {ada}, {student}, {video});
insert into chat_messages (id, creator_id, session_id, role, content)
values ('00000000-0000-7000-8000-000000000024', {ada}, {session}, 'user', 'Why?');
insert into video_progress (id, creator_id, student_id, video_id)
values ('00000000-0000-7000-8000-000000000025', {ada}, {student}, {video});
insert into quiz_attempts (
    id, creator_id, student_id, quiz_id, answers, score, max_score, passed)
values ('00000000-0000-7000-8000-000000000026', {ada}, {student},
    '00000000-0000-7000-8000-000000000016', '{{}}', 1, 1, true);
insert into project_submissions (
    id, creator_id, student_id, video_id, title, submission_url)
values ('00000000-0000-7000-8000-000000000027', {ada}, {student}, {video},
    'My plant', 'https://x.io/plant');
insert into achievements (id, creator_id, code, title, description, xp)
values ('00000000-0000-7000-8000-000000000028', {ada}, 'first', 'First', 'Begin.', 5);
insert into student_achievements (
    id, creator_id, student_id, achievement_id, xp_earned)
values ('00000000-0000-7000-8000-000000000029', {ada}, {student},
    '00000000-0000-7000-8000-000000000028', 5);
insert into leases (video_id, creator_id, owner, until, fencing_token)
values ({video}, {ada}, 'run', now(), 1);
insert into email_outbox (id, creator_id, template, subject_id, recipient,
    payload_fingerprint, message_id)
values
    ('00000000-0000-7000-8000-000000000031', {ada}, 't', 's', 'ada@x.io', 'p', 'm1'),
    ('00000000-0000-7000-8000-000000000032', null, 't', 's2', 'ops@x.io', 'p', 'm2');
insert into content_health_checks (id, creator_id, video_id, outcome)
values ('00000000-0000-7000-8000-000000000033', {ada}, {video}, 'ok');
insert into ai_usage (id, creator_id, video_id, provider, model, operation, unit)
values
    ('00000000-0000-7000-8000-000000000034', {ada}, {video}, 'p', 'm', 'o', 'tokens'),
    ('00000000-0000-7000-8000-000000000035', null, null, 'p', 'm', 'o', 'tokens');
insert into budgets (creator_id, limit_usd) values ({ada}, 5);
insert into analytics_events (id, creator_id, event_name)
values
    ('00000000-0000-7000-8000-000000000036', {ada}, 'lesson_started'),
    ('00000000-0000-7000-8000-000000000037', null, 'slow_query');
insert into quiz_requests (id, creator_id, quiz_id)
values ('00000000-0000-7000-8000-000000000038', {ada},
    '00000000-0000-7000-8000-000000000016');
insert into quiz_question_edits (id, creator_id, question_id, number, before)
values ('00000000-0000-7000-8000-000000000039', {ada},
    '00000000-0000-7000-8000-000000000017', 1, '{{}}');
insert into orphaned_blobs (storage_key, creator_id) values ('audio/gone', {ada});
insert into daily_metrics (metric_date, creator_id)
values ('2026-11-01', {ada}), ('2026-11-01', null);
insert into recognised_windows (transcript_id, video_id, creator_id, start_s, end_s,
    is_last, language_probability, words, doubts, speech_s, redone)
values ('00000000-0000-7000-8000-000000000012', {video}, {ada}, 0, 2, true, 0, '[]',
    '[]', 0, 0);
insert into paid_answers (quiz_id, request_hash, video_id, creator_id, answer)
values ('00000000-0000-7000-8000-000000000016', 'h', {video}, {ada}, '{{}}');
insert into budget_holds (id, creator_id, video_id, operation, usd, minutes)
values ('00000000-0000-7000-8000-00000000003a', {ada}, {video}, 'quiz', 1, 0);
insert into stage_timings (id, creator_id, video_id, run_id, stage, attempt, calls,
    duration_s, failed)
values ('00000000-0000-7000-8000-000000000039', {ada}, {video}, 'run', 'audio', 1, 1,
    0.5, false);
"""
"""A row of every table of the later revisions; of the platform too, where it may be."""

INSERTABLE_COLUMNS = """
select attname from pg_attribute
where attrelid = %(table)s::regclass and attnum > 0 and not attisdropped
  and attgenerated = ''
"""


def fill(admin_url: str) -> None:
    """Put a row of Ada's into every table of the newest schema."""
    database = Database(admin_url, "mentora-tests")
    # The pipeline's own way, so that the partition is as closed as in production.
    GenerationRows(database).writable_generation(TINY)
    database.close()
    with psycopg.connect(admin_url) as connection:
        connection.execute(rows(LESSON_ROWS))
        connection.execute(rows(PLATFORM_ROWS))


def rows(statements: LiteralString) -> sql.Composed:
    """The statements with the ids in their places."""
    return sql.SQL(statements).format(
        ada=ADA,
        bob=BOB,
        video=VIDEO,
        generation=GENERATION,
        student=STUDENT,
        membership=MEMBERSHIP,
        session=SESSION,
    )


def owner_column(table: str) -> str:
    """The column that names the creator of a row."""
    return "id" if table == "creators" else "creator_id"


def count(connection: Connection, query: LiteralString, table: str) -> int:
    """How many rows a query on `{table}` finds, where `{owner}` is its creator."""
    row = connection.execute(
        sql.SQL("select count(*) from ({}) as found").format(filled(query, table))
    ).fetchone()
    assert row is not None
    return int(row[0])


def filled(query: LiteralString, table: str) -> sql.Composed:
    """A query on `{table}`, where `{owner}` is its creator's column."""
    return sql.SQL(query).format(
        table=sql.Identifier(table),
        owner=sql.Identifier(owner_column(table)),
        ada=sql.Literal(ADA),
        bob=sql.Literal(BOB),
    )


def copy_of_adas_row(connection: Connection, table: str, creator: str) -> sql.Composed:
    """An insert of what Ada's row of a table holds, in the name of `creator`."""
    columns = [
        name for (name,) in connection.execute(INSERTABLE_COLUMNS, {"table": table})
    ]
    row = connection.execute(
        filled("select to_jsonb(t) from {table} as t where {owner} = {ada}", table)
    ).fetchone()
    assert row is not None
    return sql.SQL(
        "insert into {table} ({columns}) select {columns} "
        "from jsonb_populate_record(null::{table}, {row})"
    ).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        row=sql.Literal(Jsonb(row[0] | {owner_column(table): creator})),
    )
