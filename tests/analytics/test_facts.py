"""What the web application stores becomes facts, without its having to send them."""

from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from mentora_pipelines.adapters.postgres.daily_metrics import PostgresMetrics
from tests.analytics.conftest import AsCreator, Facts

DAY = date(2026, 3, 5)
STUDENT = """
insert into students (id, creator_id, email, created_at)
values ({student}, {creator}, 'eve@x.io', '2026-03-01T08:00Z');
insert into videos (id, creator_id, title, storage_key, upload_etag)
values ({video}, {creator}, 'Plants', {video}::text, 'e1');
"""

LESSON = """
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
values ({transcript}, {video}, {creator}, 's', 'f', 'recognised',
    'en', 2, 2, 'x', '[]');
insert into quizzes (id, video_id, creator_id, transcript_id, writer_fingerprint,
    question_count)
values ({quiz}, {video}, {creator}, {transcript}, 'w', 1);
insert into quiz_attempts (id, creator_id, student_id, quiz_id, answers, score,
    max_score, passed, created_at)
select gen_random_uuid(), {creator}, {student}, {quiz}, '{{}}', score, 4, score > 2,
    '2026-03-05Z'
from unnest(array[3, 1]) as score;
insert into chat_sessions (id, creator_id, student_id, video_id)
values ({session}, {creator}, {student}, {video});
insert into chat_messages (id, creator_id, session_id, role, content, created_at)
select gen_random_uuid(), {creator}, {session}, role, 'a secret', '2026-03-05Z'
from unnest(array['user', 'assistant', 'user', 'system']) as role;
insert into achievements (id, creator_id, code, title, description, xp)
values ({achievement}, {creator}, 'first', 'First', 'Begin.', 5);
insert into student_achievements (
    id, creator_id, student_id, achievement_id, xp_earned, unlocked_at)
values (gen_random_uuid(), {creator}, {student}, {achievement}, 5, '2026-03-05Z');
"""

PROGRESS = """
insert into video_progress (id, creator_id, student_id, video_id, watched_s,
    created_at, last_watched)
values ({progress}, {creator}, {student}, {video}, 30, '2026-03-04Z', '2026-03-04Z')
on conflict (student_id, video_id) do nothing;
update video_progress set watched_s = 30.1, last_watched = '2026-03-05T00:01Z';
update video_progress set watched_s = 90.3, last_watched = '2026-03-05T00:02Z',
    completed_at = '2026-03-05T00:02Z';
update video_progress set position_s = 7;
update video_progress set completed_at = '2026-03-05T00:03Z';
"""

FAILED_VIDEO = """
update videos set processing_status = 'processing';
update videos set processing_status = 'failed', error_code = 'no_audio',
    error_message = 'x';
update videos set title = 'failed still';
update videos set processing_status = 'processing', error_code = null,
    error_message = null;
"""


def ids(creator: UUID) -> dict[str, sql.Literal]:
    """A creator's id and those of new rows."""
    names = ("student", "video", "transcript", "quiz", "session", "achievement")
    made = {name: sql.Literal(str(uuid4())) for name in (*names, "progress")}
    return {**made, "creator": sql.Literal(str(creator))}


@pytest.mark.parametrize("as_the_app", [False, True])
def test_what_students_do_is_counted_from_their_rows(
    facts: Facts, metrics: PostgresMetrics, as_app: AsCreator, *, as_the_app: bool
) -> None:
    """Else a number depends on a browser that sent, or did not send, an event."""
    creator = facts.creator()
    named = ids(creator)
    statements = [sql.SQL(text).format(**named) for text in (STUDENT, LESSON, PROGRESS)]
    if as_the_app:
        with as_app(creator) as app:
            for statement in statements:
                app.execute(statement)
            app.commit()
    else:
        for statement in statements:
            facts.connection.execute(statement)
    metrics.aggregate(DAY)
    assert facts.numbers(
        DAY, creator, "active_students", "lessons_started", "lessons_completed",
        "watch_minutes", "quiz_attempts", "quiz_average_score", "quiz_pass_rate",
        "chat_messages", "achievements", "new_students",
    ) == (1, 0, 1, 60.3 / 60, 2, 0.5, 0.5, 2, 1, 0)  # fmt: skip
    metrics.aggregate(date(2026, 3, 4))
    assert facts.numbers(
        date(2026, 3, 4), creator, "lessons_started", "watch_minutes"
    ) == (1, 0.5)
    metrics.aggregate(date(2026, 3, 1))
    assert facts.numbers(
        date(2026, 3, 1), creator, "new_students", "active_students"
    ) == (1, 0)
    assert "secret" not in str(facts.names())


def test_facts_outlive_the_student(facts: Facts, metrics: PostgresMetrics) -> None:
    """Else last year's numbers fall with every student who leaves."""
    creator = facts.creator()
    named = ids(creator)
    for text in (STUDENT, LESSON):
        facts.connection.execute(sql.SQL(text).format(**named))
    metrics.aggregate(DAY)
    before = facts.rows()
    facts.connection.execute("delete from students")
    metrics.aggregate(DAY)
    assert facts.rows() == before


def test_a_processed_or_failed_video_is_a_fact_each_time(facts: Facts) -> None:
    """Else nobody sees how many minutes, and how many failures, a day had."""
    named = ids(facts.creator())
    facts.connection.execute(sql.SQL(STUDENT).format(**named))
    facts.connection.execute("delete from analytics_events")
    facts.connection.execute(FAILED_VIDEO)
    facts.connection.execute(sql.SQL(LESSON).format(**named))
    facts.connection.execute(
        "update videos set processing_status = 'completed', duration_s = 2.5, "
        "published_transcript_id = (select id from transcripts)"
    )
    found = facts.connection.execute(
        "select event_name, properties from analytics_events "
        "where event_name like 'video%' order by created_at"
    ).fetchall()
    assert found == [
        ("video_failed", {"seconds": 0, "errorCode": "no_audio"}),
        ("video_processed", {"seconds": Decimal("2.5")}),
    ]
