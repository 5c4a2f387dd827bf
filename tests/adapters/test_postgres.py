from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons import PostgresLessons
from mentora_pipelines.domain.identity import transcript_id_of
from mentora_pipelines.domain.lessons.captions import CaptionTrack, cut_cues
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.lessons.questions import Question, QuestionKind
from mentora_pipelines.domain.lessons.quizzes import Quiz, QuizStatus
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import parse_upload_key
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import PermanentError, TransientError
from mentora_pipelines.services import DatabaseUrls
from tests.lessons import chunks_of, transcript_of

MODEL = EmbeddingModel("local", "all-MiniLM-L6-v2-int8", 384)
"""The one of every test of this run: only one generation is active."""

SENTENCES = [
    "Glucose is a simple sugar.",
    "Starch is a chain of glucose.",
    "Cellulose forms the walls of cells.",
    "Light gives the plant its energy.",
    "Water rises from the roots.",
]

TENANT_TABLES = """
select
    class.oid::regclass::text as name, class.relrowsecurity, class.relforcerowsecurity,
    class.relispartition,
    array(
        select attname::text from pg_attribute
        where attrelid = class.oid and attnum > 0 and attgenerated = ''
          and not attisdropped
    ) as columns
from pg_class as class
join pg_attribute as attribute
    on attribute.attrelid = class.oid and attribute.attname = 'creator_id'
where class.relkind in ('r', 'p') and class.relnamespace = 'public'::regnamespace
order by 1
"""

Lesson = tuple[Video, Transcript, list[Chunk], UUID]


@pytest.fixture
def admin(urls: DatabaseUrls) -> Iterator[psycopg.Connection[dict[str, object]]]:
    """A connection that sees every creator."""
    with psycopg.connect(urls.admin, row_factory=dict_row, autocommit=True) as opened:
        yield opened


@pytest.fixture
def app(urls: DatabaseUrls) -> Iterator[psycopg.Connection[dict[str, object]]]:
    """A connection of the app role without a creator."""
    with psycopg.connect(urls.app, row_factory=dict_row, autocommit=True) as opened:
        yield opened


@pytest.fixture
def new_lesson(
    catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> Callable[[], Lesson]:
    """Makes a whole staged lesson, with a row in every table of a tenant."""

    def make() -> Lesson:
        video = register(catalogue, f"{uuid4()}@tests.example")
        lessons.record_source(
            video, etag="1", source_hash="a" * 64, audio_key="audio/a", duration_s=9
        )
        transcript = transcript_of_video(video, SENTENCES)
        lessons.add_transcript(video, transcript)
        cues = cut_cues(word for s in transcript.segments for word in s.words)
        track = CaptionTrack("en", "captions/a", cues)
        lessons.put_caption_track(video, transcript.id, track)
        chunks = chunks_of(transcript, 2)
        lessons.replace_chunks(video, transcript.id, chunks)
        generation_id = catalogue.writable_generation(MODEL)
        hashes = [chunk.text_hash for chunk in chunks]
        vectors = unit_vectors(len(hashes))
        assert lessons.add_embeddings(video, generation_id, hashes, vectors) == 3
        quiz = Quiz(uuid4(), transcript.id, QuizStatus.DRAFT, "test/1", (QUESTION,))
        lessons.add_quiz(video, quiz, 1, [(QUESTION, "why not")])
        return catalogue.video(video.id), transcript, chunks, generation_id

    return make


QUESTION = Question(
    QuestionKind.FILL_IN,
    "_____ is a simple sugar.",
    (),
    "Glucose",
    SENTENCES[0] + " " + SENTENCES[1],
    0,
    0.0,
    5.0,
)


def register(catalogue: PostgresCatalogue, creator: str, etag: str = "1") -> Video:
    """Register the one upload of a creator."""
    key = f"uploads/2026-11-01/{creator}/lesson.mp4"
    upload = StoredObject(key, etag, 1, datetime(2026, 11, 1, tzinfo=UTC))
    return catalogue.register_upload(upload, parse_upload_key(key))


def transcript_of_video(video: Video, sentences: list[str]) -> Transcript:
    """A transcript of a stored video."""
    made = transcript_of(sentences)
    return replace(
        made,
        id=transcript_id_of(video.id, made.source_hash, made.fingerprint),
        video_id=video.id,
        creator_id=video.creator_id,
    )


def unit_vectors(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Different vectors of length one."""
    return np.eye(count, MODEL.dimensions, dtype=np.float32)


def rows_of(
    connection: psycopg.Connection[dict[str, object]], table: str, creator_id: UUID
) -> int:
    """Rows of a creator in a table, as the connection sees them."""
    statement = sql.SQL("select 1 from {} where creator_id = %s").format(
        sql.Identifier(table)
    )
    return len(connection.execute(statement, [creator_id]).fetchall())


def test_every_table_of_a_tenant_forces_row_level_security(
    admin: psycopg.Connection[dict[str, object]], new_lesson: Callable[[], Lesson]
) -> None:
    """Else one forgotten table shows every creator's rows to everybody."""
    video = new_lesson()[0]
    tables = admin.execute(TENANT_TABLES).fetchall()
    assert len(tables) > 8
    for table in tables:
        assert table["relrowsecurity"], table["name"]
        assert table["relforcerowsecurity"], table["name"]
        if not table["relispartition"]:
            # A new table must get rows from `new_lesson`, or nothing is tested here.
            assert rows_of(admin, str(table["name"]), video.creator_id), table["name"]


def test_a_creator_sees_and_takes_no_row_of_another(
    admin: psycopg.Connection[dict[str, object]],
    app: psycopg.Connection[dict[str, object]],
    new_lesson: Callable[[], Lesson],
) -> None:
    """Else a creator reads or changes another one's lessons."""
    mine, theirs = new_lesson()[0], new_lesson()[0]
    for table in admin.execute(TENANT_TABLES).fetchall():
        if table["relispartition"]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                rows_of(app, str(table["name"]), mine.creator_id)
            continue
        name = sql.Identifier(str(table["name"]))
        with app.transaction():
            app.execute(
                "select set_config('app.creator_id', %s, true)", [str(mine.creator_id)]
            )
            assert rows_of(app, str(table["name"]), mine.creator_id)
            assert not rows_of(app, str(table["name"]), theirs.creator_id)
            for statement in (
                "update {} set creator_id = %s where creator_id <> %s",
                "delete from {} where %s is not null and creator_id <> %s",
            ):
                taken = app.execute(
                    sql.SQL(statement).format(name),  # type: ignore[arg-type]
                    [mine.creator_id, mine.creator_id],
                )
                assert taken.rowcount == 0


def test_without_a_creator_nothing_is_seen_or_written(
    admin: psycopg.Connection[dict[str, object]],
    app: psycopg.Connection[dict[str, object]],
    new_lesson: Callable[[], Lesson],
) -> None:
    """Else a forgotten creator shows or writes everybody's rows."""
    mine, theirs = new_lesson()[0], new_lesson()[0]
    for table in admin.execute(TENANT_TABLES).fetchall():
        if table["relispartition"]:
            continue
        name = sql.Identifier(str(table["name"]))
        columns = sql.SQL(", ").join(map(sql.Identifier, list(map(str, table["columns"]))))  # type: ignore[call-overload]
        assert app.execute(sql.SQL("select 1 from {}").format(name)).fetchall() == []
        found = admin.execute(
            sql.SQL("select to_jsonb(t) as row from {} as t where creator_id = %s").format(name),
            [theirs.creator_id],
        ).fetchone()
        assert found
        insert = sql.SQL(
            "insert into {} ({}) select {} from jsonb_populate_record(null::{}, %s)"
        ).format(name, columns, columns, name)
        for creator_id in ("", str(mine.creator_id)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level"), app.transaction():
                app.execute("select set_config('app.creator_id', %s, true)", [creator_id])
                app.execute(insert, [psycopg.types.json.Jsonb(found["row"])])
