"""The facts that this pipeline writes, and those that it leaves to others."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from mentora_pipelines.adapters.postgres.analytics.daily_metrics import PostgresMetrics
from tests.analytics.conftest import AsCreator, Facts

LESSON = """
insert into videos (id, creator_id, title, storage_key, upload_etag, duration_s)
values ({video}, {creator}, 'Plants', {video}::text, 'e1', 90);
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments, created_at)
values ({transcript}, {video}, {creator}, 's', 'f', 'recognised',
    'en', 2, 2, 'x', '[]', now() - interval '20 days');
"""

PROCESS = """
update videos set processing_status = 'processing', error_code = null,
    error_message = null
"""

FAIL = """
update videos set processing_status = 'failed', error_code = {code}, error_message = 'x'
"""

PUBLISH = """
update videos set processing_status = 'completed', title = title || '.',
    published_transcript_id = {transcript}
"""

EDIT = """
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments, edited_from)
values ({edited}, {video}, {creator}, 's', 'f', 'edited', 'en', 2, 2, 'y', '[]',
    {transcript})
"""

HEAR_ANEW = """
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
values ({again}, {video}, {creator}, 's', 'g', 'recognised', 'en', 2, 2, 'z', '[]')
"""

STUDENT = """
insert into students (id, creator_id, email) values ({student}, {creator}, 'eve@x.io');
insert into quizzes (id, video_id, creator_id, transcript_id, writer_fingerprint,
    question_count)
values ({quiz}, {video}, {creator}, {transcript}, 'w', 1);
insert into quiz_attempts (
    id, creator_id, student_id, quiz_id, answers, score, max_score, passed)
values (gen_random_uuid(), {creator}, {student}, {quiz}, '{{}}', 3, 4, true);
insert into chat_sessions (id, creator_id, student_id, video_id)
values ({session}, {creator}, {student}, {video});
insert into chat_messages (id, creator_id, session_id, role, content)
values (gen_random_uuid(), {creator}, {session}, 'user', 'Why?');
insert into achievements (id, creator_id, code, title, description, xp)
values ({achievement}, {creator}, 'first', 'First', 'Begin.', 5);
insert into student_achievements (
    id, creator_id, student_id, achievement_id, xp_earned)
values (gen_random_uuid(), {creator}, {student}, {achievement}, 5);
insert into video_progress (id, creator_id, student_id, video_id, watched_s)
values (gen_random_uuid(), {creator}, {student}, {video}, 30);
update video_progress set watched_s = 90, completed_at = now();
"""


def ids(creator: UUID) -> dict[str, sql.Literal]:
    """A creator's id and those of new rows."""
    names = (
        "student", "video", "transcript", "edited", "again", "quiz", "session",
        "achievement",
    )  # fmt: skip
    made = {name: sql.Literal(str(uuid4())) for name in names}
    return {**made, "creator": sql.Literal(str(creator))}


@pytest.mark.parametrize("as_the_app", [False, True])
def test_a_version_is_processed_once_however_often_it_is_published(
    facts: Facts, metrics: PostgresMetrics, as_app: AsCreator, *, as_the_app: bool
) -> None:
    """Else a backfill looks like a record day, and one that waited counts nowhere."""
    creator = facts.creator()
    named = ids(creator)
    statements = [
        sql.SQL(text).format(**named)
        for text in (LESSON, PROCESS, PUBLISH, PROCESS, PUBLISH, PUBLISH)
    ]
    if as_the_app:
        with as_app(creator) as app:
            for statement in statements:
                app.execute(statement)
            app.commit()
    else:
        for statement in statements:
            facts.connection.execute(statement)
    assert facts.names() == [("video_processed", {"seconds": 90})]
    today = datetime.now(UTC).date()
    metrics.aggregate(today)
    assert facts.numbers(today, creator, "processing_minutes", "events") == (1.5, 1)


@pytest.mark.parametrize("versions", ["first, edited, first", "edited, first"])
def test_an_edited_lesson_is_processed_no_second_time(
    facts: Facts, versions: str
) -> None:
    """Else ten corrected words of an hour are ten hours that nobody heard."""
    named = ids(facts.creator())

    def publish(version: str) -> None:
        pointer = {**named, "transcript": named[version]}
        for text in (PROCESS, PUBLISH):
            facts.connection.execute(sql.SQL(text).format(**pointer))

    named["first"] = named["transcript"]
    for text in (LESSON, EDIT):
        facts.connection.execute(sql.SQL(text).format(**named))
    for version in versions.split(", "):
        publish(version)
    assert len(facts.names()) == 1
    facts.connection.execute(sql.SQL(HEAR_ANEW).format(**named))
    for version in ("again", "edited", "again"):
        publish(version)
    assert len(facts.names()) == 2, "heard a second time"


def test_a_failure_counts_once_a_day_for_each_reason(
    facts: Facts, metrics: PostgresMetrics
) -> None:
    """Else three retries of one broken file look like three broken lessons."""
    creator = facts.creator()
    named = ids(creator)
    facts.connection.execute(sql.SQL(LESSON).format(**named))
    for code in ("no_audio", "no_audio", "unreadable", "no_audio"):
        facts.connection.execute(PROCESS)
        facts.connection.execute(sql.SQL(FAIL).format(code=sql.Literal(code)))
    facts.connection.execute("update videos set title = 'failed still'")
    assert facts.names() == [
        ("video_failed", {"errorCode": "no_audio"}),
        ("video_failed", {"errorCode": "unreadable"}),
    ]
    facts.connection.execute(
        "update analytics_events set created_at = created_at - interval '1 day'"
    )
    facts.connection.execute(PROCESS)
    facts.connection.execute(sql.SQL(FAIL).format(code=sql.Literal("no_audio")))
    assert len(facts.names()) == 3
    today = datetime.now(UTC).date()
    metrics.aggregate(today)
    assert facts.numbers(today, creator, "processing_failures") == (1,)


def test_what_students_do_is_left_to_the_web_application_to_tell(facts: Facts) -> None:
    """Else every attempt and every message is counted twice."""
    named = ids(facts.creator())
    for text in (LESSON, STUDENT):
        facts.connection.execute(sql.SQL(text).format(**named))
    facts.connection.execute("delete from students")
    assert facts.names() == []
