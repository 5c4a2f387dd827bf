from dataclasses import replace
from typing import TypeAlias
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from psycopg.rows import TupleRow

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.domain.quizzes.quizzes import QuizStatus
from mentora_pipelines.domain.videos import ProcessingStatus
from mentora_pipelines.errors import InvalidInput, PermanentError, TransientError
from tests.stored_lessons import (
    SENTENCES,
    register,
    stored_lesson,
    take_in,
    transcript_for,
    unit_vectors,
)

Connection: TypeAlias = psycopg.Connection[TupleRow]


def event_names(admin: Connection, creator_id: UUID) -> list[str]:
    """The names of a creator's events."""
    found = admin.execute(
        "select name from events where creator_id = %s order by name", [creator_id]
    )
    return [name for (name,) in found]


def versions(admin: Connection, transcript_id: UUID) -> dict[int, str]:
    """The transaction that wrote each chunk, by the chunk's index."""
    found = admin.execute(
        "select chunk_index, xmin from transcript_chunks where transcript_id = %s",
        [transcript_id],
    )
    return {int(index): str(xmin) for index, xmin in found}


def test_a_pooled_connection_does_not_keep_its_creator(app_database: Database) -> None:
    """Else the next creator served by a connection sees the one before."""
    ask = "select pg_backend_pid(), current_creator_id()"
    ada = uuid4()
    with app_database.transaction(ada) as connection:
        first = connection.execute(ask).fetchone()
    with app_database.transaction() as connection:
        second = connection.execute(ask).fetchone()
    with pytest.raises(ZeroDivisionError), app_database.transaction(ada):
        1 / 0  # noqa: B018
    with app_database.transaction() as connection:
        third = connection.execute(ask).fetchone()
    assert first is not None
    assert first[1] == ada
    assert second == third == (first[0], None)


def test_an_upload_is_registered_once(
    admin: Connection, catalogue: PostgresCatalogue
) -> None:
    """Else every look at storage makes another video or another event."""
    creator = f"{uuid4()}@tests.example"
    video = register(catalogue, creator)
    told = event_names(admin, video.creator_id)
    assert [name for name in told if not name.startswith("change/")] == [
        "video/upload.completed"
    ]
    assert register(catalogue, creator) == video
    assert event_names(admin, video.creator_id) == told
    stored = admin.execute(
        "select id from videos where creator_id = %s", [video.creator_id]
    )
    assert stored.fetchall() == [(video.id,)]


def test_a_replaced_upload_is_pending_and_readers_keep_the_old_version(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a replaced video is never processed, or its lesson vanishes meanwhile."""
    video, transcript, _, _ = stored_lesson(catalogue, lessons)
    assert lessons.publish(video)
    done = catalogue.video(video.id)
    assert done.is_settled
    assert register(catalogue, video.creator_email) == done
    replaced = register(catalogue, video.creator_email, etag="2")
    assert replaced.processing_status is ProcessingStatus.PENDING
    assert (replaced.id, replaced.upload_etag) == (video.id, "2")
    assert replaced.published_transcript_id == transcript.id


def test_only_the_staged_version_is_published(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a run that was overtaken shows what nobody has checked."""
    video = stored_lesson(catalogue, lessons)[0]
    other = transcript_for(video, SENTENCES[:2])
    lessons.add_transcript(video, other)
    before = catalogue.video(video.id)
    assert not lessons.publish(video)
    assert catalogue.video(video.id) == before
    assert before.published_transcript_id is None


def test_a_version_of_replaced_bytes_is_not_published(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else the old lesson appears, and `completed` hides that the new one waits."""
    video = stored_lesson(catalogue, lessons)[0]
    before = register(catalogue, video.creator_email, etag="2")
    assert not lessons.publish(video)
    assert catalogue.video(video.id) == before
    take_in(lessons, video, etag="2")
    assert catalogue.video(video.id) == before, "the run of the first upload is late"
    take_in(lessons, before, etag="2")
    assert lessons.publish(video)


def test_what_an_overtaken_run_heard_is_not_shown(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a late run puts the replaced lesson in the place of the new one."""
    video, new, _, _ = stored_lesson(catalogue, lessons)
    old = replace(transcript_for(video, SENTENCES[:1]), source_hash="b" * 64)
    lessons.add_transcript(video, old)
    lessons.stage_transcript(video, old.id)
    assert catalogue.video(video.id).staged_transcript_id == new.id
    late = replace(video, staged_transcript_id=old.id)
    assert not lessons.publish(late)


def test_a_video_points_to_no_version_of_another_creator(
    app_database: Database, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a creator shows another one's unpublished lesson as his own."""
    mine = stored_lesson(catalogue, lessons)[0]
    theirs = stored_lesson(catalogue, lessons)[1]
    with (
        pytest.raises(PermanentError, match="23503"),
        app_database.transaction(mine.creator_id) as connection,
    ):
        connection.execute(
            "update videos set staged_transcript_id = %s where id = %s",
            [theirs.id, mine.id],
        )


def test_a_key_that_is_another_creators_video_is_refused(
    admin: Connection, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else whoever takes a key first gets the lesson that is uploaded under it."""
    victim = f"{uuid4()}@tests.example"
    video = register(catalogue, victim)
    taker = stored_lesson(catalogue, lessons)[0].creator_id
    admin.execute("update videos set creator_id = %s where id = %s", [taker, video.id])
    with pytest.raises(InvalidInput, match="another creator"):
        register(catalogue, victim, etag="2")


def test_publishing_is_whole_or_not_at_all(
    admin: Connection, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else readers see a version whose event or quizzes still tell of the old one."""
    video = stored_lesson(catalogue, lessons)[0]
    admin.execute("alter table events add constraint broken check (false) not valid")
    try:
        with pytest.raises(PermanentError):
            lessons.publish(video)
    finally:
        admin.execute("alter table events drop constraint broken")
    assert catalogue.video(video.id) == video
    assert lessons.publish(video)


def test_a_quiz_stays_fresh_while_its_quotes_are_in_the_lesson(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else an edit elsewhere throws quizzes away, or one keeps what nobody said."""
    video = stored_lesson(catalogue, lessons)[0]
    for edited, expected in (
        ([*SENTENCES[:2], "Something else."], QuizStatus.DRAFT),
        (["Something else.", *SENTENCES[1:]], QuizStatus.STALE),
    ):
        version = transcript_for(video, edited)
        lessons.add_transcript(video, version)
        assert lessons.publish(catalogue.video(video.id))
        assert [quiz.status for quiz in lessons.quizzes(video)] == [expected]


def test_words_out_of_order_are_counted_over_sentences_too(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a lesson with jumping captions is published."""
    video, transcript, chunks, _ = stored_lesson(catalogue, lessons)
    facts = lessons.lesson_facts(video)
    assert (facts.words_out_of_order, facts.segments_outside_chunks) == (0, 0)
    assert (facts.chunks, facts.chunks_without_vector) == (len(chunks), 0)
    assert (facts.word_count, facts.cues_that_overlap) == (transcript.word_count, 0)
    first, second, *rest = transcript.segments
    swapped = replace(transcript, id=uuid4(), segments=(second, first, *rest))
    lessons.add_transcript(video, swapped)
    assert lessons.lesson_facts(catalogue.video(video.id)).words_out_of_order == 1


def test_chunks_that_stand_are_not_written_again(
    admin: Connection, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else every re-run rewrites all rows of a lesson and their full-text index."""
    video, transcript, chunks, _ = stored_lesson(catalogue, lessons)
    before = versions(admin, transcript.id)
    assert lessons.replace_chunks(video, transcript.id, chunks) == 0
    assert versions(admin, transcript.id) == before
    admin.execute(
        "delete from transcript_chunks where transcript_id = %s and chunk_index = 1",
        [transcript.id],
    )
    assert lessons.replace_chunks(video, transcript.id, chunks) == 1
    edited = [chunks[0], replace(chunks[1], text="Other words."), chunks[2]]
    assert lessons.replace_chunks(video, transcript.id, edited) == len(edited)
    assert lessons.chunks(video, transcript.id) == edited
    assert lessons.replace_chunks(video, transcript.id, chunks) == 0
    assert lessons.chunks(video, transcript.id) == chunks


def test_vectors_that_exist_stay(
    admin: Connection, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else two runs at once overwrite each other, or one of them fails."""
    video, _, chunks, generation_id = stored_lesson(catalogue, lessons)
    assert lessons.missing_embeddings(video, generation_id, chunks) == {}
    hashes = [chunks[0].text_hash, "f" * 64]
    other = np.ones_like(unit_vectors(2))
    assert lessons.add_embeddings(video, generation_id, hashes, other) == 1
    sums = admin.execute(
        "select vector_norm(embedding) from chunk_embeddings where video_id = %s",
        [video.id],
    ).fetchall()
    assert sorted(round(float(norm)) for (norm,) in sums) == [1, 1, 1, 20]


def test_an_error_tells_no_words_of_a_row(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a creator's words or address stand in the log."""
    video, transcript, chunks, _ = stored_lesson(catalogue, lessons)
    secret = replace(chunks[0], text="Only for my students.", token_count=0)
    with pytest.raises(PermanentError) as refused:
        lessons.replace_chunks(video, transcript.id, [secret])
    assert "students" not in str(refused.value)
    assert "23514" in str(refused.value)
    assert lessons.chunks(video, transcript.id) == chunks


def test_a_lost_connection_is_tried_again(app_database: Database) -> None:
    """Else a restart of the database fails every lesson for good."""
    with pytest.raises(TransientError), app_database.transaction() as connection:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")
    with app_database.transaction() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
