from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeAlias
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from pgvector.psycopg import register_vector
from psycopg.rows import TupleRow

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.adapters.postgres.database import Database
from mentora_pipelines.adapters.postgres.lessons.chunks import LOCK_VERSION
from mentora_pipelines.adapters.postgres.lessons.embeddings import STATEMENT_BYTES
from mentora_pipelines.adapters.postgres.lessons.lessons import PostgresLessons
from mentora_pipelines.adapters.postgres.lessons.vectors import (
    VectorArray,
    VectorArrayDumper,
)
from mentora_pipelines.errors import PermanentError
from mentora_pipelines.services import DatabaseUrls
from tests.stored_lessons import MODEL, stored_lesson

Connection: TypeAlias = psycopg.Connection[TupleRow]


@pytest.fixture
def admin(urls: DatabaseUrls) -> Iterator[Connection]:
    """A connection that sees every creator and has vectors."""
    with psycopg.connect(urls.admin, autocommit=True) as opened:
        register_vector(opened)
        yield opened


def waiting(admin: Connection) -> int:
    """How many transactions wait for another one."""
    asked = "select count(distinct pid) from pg_locks where not granted"
    (count,) = admin.execute(asked).fetchone() or (0,)
    return int(count)


@pytest.mark.parametrize("dimensions", [1, 384, 1536, 4000])
def test_a_vector_comes_back_bit_for_bit(admin: Connection, dimensions: int) -> None:
    """Else what is searched is not what the model made."""
    made = np.random.default_rng(dimensions).normal(size=(700, dimensions))
    matrix = made.astype(np.float32)[::2]
    with admin.cursor() as cursor:
        cursor.adapters.register_dumper(VectorArray, VectorArrayDumper)
        rows = cursor.execute("select unnest(%s)", [VectorArray(matrix)]).fetchall()
    assert np.array_equal(np.stack([row[0].to_numpy() for row in rows]), matrix)


def test_vectors_of_several_statements_are_all_stored_or_none(
    admin: Connection, catalogue: PostgresCatalogue, lessons: PostgresLessons
) -> None:
    """Else a long lesson lacks the vectors of its end, or keeps those of a fault."""
    video, _, _, generation_id = stored_lesson(catalogue, lessons)
    step = STATEMENT_BYTES // (4 * MODEL.dimensions)
    hashes = [f"{number:064x}" for number in range(2 * step + 1)]
    vectors = np.ones((len(hashes), MODEL.dimensions), np.float32)
    vectors[-1, 0] = np.nan
    with pytest.raises(PermanentError):
        lessons.add_embeddings(video, generation_id, hashes, vectors)
    vectors[:, 0] = np.arange(len(hashes))
    assert lessons.add_embeddings(video, generation_id, hashes, vectors) == len(hashes)
    stored = admin.execute(
        "select text_hash, subvector(embedding, 1, 1)::real[] from chunk_embeddings "
        "where video_id = %s and text_hash = any(%s)",
        [video.id, hashes],
    ).fetchall()
    assert {name: first for name, (first,) in stored} == {
        name: float(number) for number, name in enumerate(hashes)
    }


def test_two_writers_of_a_version_take_turns(
    admin: Connection,
    app_database: Database,
    catalogue: PostgresCatalogue,
    lessons: PostgresLessons,
) -> None:
    """Else two runs of one video fail on each other's chunks, or mix theirs."""
    video, transcript, chunks, _ = stored_lesson(catalogue, lessons)
    version = replace(transcript, id=uuid4())
    lessons.add_transcript(video, version)
    others = [replace(chunk, text=f"Other {chunk.text}") for chunk in chunks]
    parameters = {"transcript_id": version.id, "video_id": video.id}
    with ThreadPoolExecutor(2) as threads:
        with app_database.transaction(video.creator_id) as connection:
            connection.execute(LOCK_VERSION, parameters)
            writers = [
                threads.submit(lessons.replace_chunks, video, version.id, wanted)
                for wanted in (chunks, others)
            ]
            while waiting(admin) < len(writers):
                assert not any(writer.done() for writer in writers)
        for writer in writers:
            writer.result()
    assert lessons.chunks(video, version.id) in (chunks, others)
