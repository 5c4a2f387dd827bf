from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import TupleRow, class_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
from mentora_pipelines.domain.lessons.quizzes import QuizStatus
from mentora_pipelines.domain.videos import ProcessingStatus
from mentora_pipelines.errors import PermanentError, TransientError
from mentora_pipelines.services import DatabaseUrls
from tests.stored_lessons import (
    SENTENCES,
    register,
    stored_lesson,
    take_in,
    transcript_for,
    unit_vectors,
)

Connection: TypeAlias = psycopg.Connection[TupleRow]


@dataclass(frozen=True)
class TenantTable:
    """A table whose rows belong to a creator."""

    name: str
    guarded: bool
    is_partition: bool
    columns: list[str]

    @property
    def sql(self) -> sql.Identifier:
        """Its name in a statement."""
        return sql.Identifier(self.name)


TENANT_TABLES = """
select
    class.oid::regclass::text as name,
    class.relrowsecurity and class.relforcerowsecurity as guarded,
    class.relispartition as is_partition,
    array(
        select attname::text from pg_attribute
        where attrelid = class.oid and attnum > 0
          and attgenerated = '' and not attisdropped
    ) as columns
from pg_class as class
join pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attname = 'creator_id'
where class.relkind in ('r', 'p') and class.relnamespace = 'public'::regnamespace
order by 1
"""


@pytest.fixture
def admin(urls: DatabaseUrls) -> Iterator[Connection]:
    """A connection that sees every creator."""
    with psycopg.connect(urls.admin, autocommit=True) as opened:
        yield opened


@pytest.fixture
def app(urls: DatabaseUrls) -> Iterator[Connection]:
    """A connection of the app role, without a creator."""
    with psycopg.connect(urls.app, autocommit=True) as opened:
        yield opened


@pytest.fixture
def database(urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of the app role."""
    opened = Database(urls.app, "mentora-tests")
    yield opened
    opened.close()


def tenant_tables(admin: Connection) -> list[TenantTable]:
    """Every table with a creator, as the server knows them."""
    with admin.cursor(row_factory=class_row(TenantTable)) as cursor:
        return cursor.execute(TENANT_TABLES).fetchall()


@contextmanager
def acting_as(connection: Connection, creator_id: UUID | None) -> Iterator[None]:
    """A transaction of one creator, or of none."""
    with connection.transaction():
        name = "" if creator_id is None else str(creator_id)
        connection.execute("select set_config('app.creator_id', %s, true)", [name])
        yield


def rows_of(connection: Connection, table: TenantTable, creator_id: UUID) -> int:
    """Rows of a creator in a table, as the connection sees them."""
    statement = sql.SQL("select from {} where creator_id = %s").format(table.sql)
    return connection.execute(statement, [creator_id]).rowcount


def versions(admin: Connection, transcript_id: UUID) -> dict[int, str]:
    """The transaction that wrote each chunk, by the chunk's index."""
    found = admin.execute(
        "select chunk_index, xmin from transcript_chunks where transcript_id = %s",
        [transcript_id],
    )
    return {int(index): str(xmin) for index, xmin in found}


def test_every_table_of_a_tenant_forces_row_level_security(
    admin: Connection, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else one forgotten table shows every creator's rows to everybody."""
    video = stored_lesson(catalogue, lessons)[0]
    tables = tenant_tables(admin)
    assert len(tables) > 8
    assert [table.name for table in tables if not table.guarded] == []
    # A new table must get a row in `stored_lesson`, or nothing is tested below.
    assert not [
        table.name
        for table in tables
        if not table.is_partition and not rows_of(admin, table, video.creator_id)
    ]


def test_a_creator_sees_and_takes_no_row_of_another(
    admin: Connection,
    app: Connection,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
) -> None:
    """Else a creator reads or changes another one's lessons."""
    mine = stored_lesson(catalogue, lessons)[0].creator_id
    theirs = stored_lesson(catalogue, lessons)[0].creator_id
    for table in tenant_tables(admin):
        if table.is_partition:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                rows_of(app, table, mine)
            continue
        with acting_as(app, mine):
            assert rows_of(app, table, mine), table.name
            assert not rows_of(app, table, theirs), table.name
            delete = sql.SQL("delete from {} where creator_id <> %s").format(table.sql)
            assert app.execute(delete, [mine]).rowcount == 0
        with acting_as(app, None):
            everything = sql.SQL("select from {}").format(table.sql)
            assert app.execute(everything).rowcount == 0, table.name
    with acting_as(app, mine):
        assert app.execute("select from creators").rowcount == 1


def test_nobody_writes_rows_for_another_creator(
    admin: Connection,
    app: Connection,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
) -> None:
    """Else a forgotten or wrong creator puts words into another one's lesson."""
    mine = stored_lesson(catalogue, lessons)[0].creator_id
    theirs = stored_lesson(catalogue, lessons)[0].creator_id
    for table in tenant_tables(admin):
        if table.is_partition:
            continue
        select = sql.SQL("select to_jsonb(t) from {} as t where creator_id = %s")
        row = admin.execute(select.format(table.sql), [theirs]).fetchone()
        assert row
        insert = sql.SQL(
            "insert into {0} ({1}) select {1} from jsonb_populate_record(null::{0}, %s)"
        ).format(table.sql, sql.SQL(", ").join(map(sql.Identifier, table.columns)))
        for creator_id in (None, mine):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level"),
                acting_as(app, creator_id),
            ):
                app.execute(insert, [Jsonb(row[0])])


def test_a_pooled_connection_does_not_keep_its_creator(database: Database) -> None:
    """Else the next creator served by a connection sees the one before."""
    ask = "select pg_backend_pid(), current_creator_id()"
    ada = uuid4()
    with database.transaction(ada) as connection:
        first = connection.execute(ask).fetchone()
    with database.transaction() as connection:
        second = connection.execute(ask).fetchone()
    with pytest.raises(ZeroDivisionError), database.transaction(ada):
        1 / 0  # noqa: B018
    with database.transaction() as connection:
        third = connection.execute(ask).fetchone()
    assert first is not None
    assert first[1] == ada
    assert second == third == (first[0], None)


def test_an_upload_is_registered_once(
    admin: Connection, catalogue: PostgresCatalogue
) -> None:
    """Else every look at storage makes another video or another event."""
    creator = f"{uuid4()}@tests.example"
    assert register(catalogue, creator) == register(catalogue, creator)
    creator_id = catalogue.creator_id(creator)
    for table in tenant_tables(admin):
        expected = 1 if table.name in ("videos", "events") else 0
        if not table.is_partition:
            assert rows_of(admin, table, creator_id) == expected, table.name


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
    assert lessons.publish(video)


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


def test_only_chunks_that_differ_are_written(
    admin: Connection, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else every edit rewrites all rows of a lesson and their full-text index."""
    video, transcript, chunks, _ = stored_lesson(catalogue, lessons)
    before = versions(admin, transcript.id)
    edited = [chunks[0], replace(chunks[1], text="Other words."), chunks[2]]
    lessons.replace_chunks(video, transcript.id, edited)
    after = versions(admin, transcript.id)
    assert [index for index in after if after[index] != before[index]] == [1]
    assert lessons.chunks(video, transcript.id) == edited
    lessons.replace_chunks(video, transcript.id, edited[:2])
    assert lessons.chunks(video, transcript.id) == edited[:2]


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


def test_a_lost_connection_is_tried_again(database: Database) -> None:
    """Else a restart of the database fails every lesson for good."""
    with pytest.raises(TransientError), database.transaction() as connection:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")
    with database.transaction() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
