"""Writing chunks and their vectors: our writer against the ways others do it.

`python -m benchmarks.vector_writes [ROWS [TURNS]]` (10,000 and 3 by default), for 384
and 1,536 dimensions, each writer in turn on one embedded PostgreSQL, without an index
on the vectors:

- ours: chunk rows and vectors as the assets write them, as the app role: two tables
  with foreign keys, row-level security and the words for full-text search;
- our vectors: the same without the chunk rows;
- our way, specified: rows as binary arrays, as our writer of vectors sends them, into
  a table of the specification's columns with its index on the video;
- specified: ten connections that insert single rows with the vector as text, into
  that table;
- specified, REST: the same in the transaction that PostgREST makes of each request;
- specified, ours: the same way of writing into our two tables, as the app role;
- executemany: single rows with binary vectors, one transaction;
- LangChain PGVector, LlamaIndex PGVectorStore, vecs: their bulk call, in `.venv-peers`.

Prints rows per second (median of the turns) and how much faster ours is.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from pgvector.psycopg import register_vector

from benchmarks.scratch_database import ScratchDatabase, scratch_database
from mentora_pipelines.adapters.postgres.lessons.embeddings import STATEMENT_BYTES
from mentora_pipelines.adapters.postgres.lessons.vectors import (
    VectorArray,
    VectorArrayDumper,
)
from mentora_pipelines.domain.lessons.chunks import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROJECT = Path(__file__).parents[1]
PEERS = ("langchain", "llamaindex", "vecs")
CONNECTIONS = 10

CREATE_SPECIFIED = """
drop table if exists specified;
create table specified (
    id uuid primary key default gen_random_uuid(), video_id uuid, chunk_text text,
    chunk_index int, start_timestamp float8, end_timestamp float8, embedding vector,
    topic_tags text[]);
create index on specified (video_id)
"""
INSERT_SPECIFIED = """
insert into specified (
    video_id, chunk_text, chunk_index, start_timestamp, end_timestamp, embedding,
    topic_tags)
values (%s, %s, %s, %s, %s, %s, %s)
"""
INSERT_ARRAYS = """
insert into specified (
    video_id, chunk_text, chunk_index, start_timestamp, end_timestamp, embedding,
    topic_tags)
select
    %(video_id)s, unnest(%(texts)b::text[]), unnest(%(indexes)b::int[]),
    unnest(%(starts)b::float8[]), unnest(%(ends)b::float8[]),
    unnest(%(vectors)b::vector[]), unnest(%(tags)b::text[])::text[]
"""

SET_UP_REQUEST = """
select
    set_config('search_path', '"public"', true), set_config('role', current_user, true),
    set_config('request.jwt.claims', '{"role": "service_role"}', true),
    set_config('request.method', 'POST', true),
    set_config('request.path', '/video_chunks', true),
    set_config('request.headers', '{"content-type": "application/json"}', true),
    set_config('request.cookies', '{}', true)
"""
SET_CREATOR = "select set_config('app.creator_id', %s, true)"
INSERT_CHUNK = """
insert into transcript_chunks (
    id, transcript_id, video_id, creator_id, chunk_index, chunk_text, text_hash, tsv,
    token_count, start_timestamp, end_timestamp, topic_tags)
values (
    %(id)s, %(transcript_id)s, %(video_id)s, %(creator_id)s, %(chunk_index)s,
    %(chunk_text)s, %(text_hash)s, to_tsvector('simple', %(chunk_text)s),
    %(token_count)s, %(start_s)s, %(end_s)s, %(topic_tags)s)
"""
INSERT_VECTOR = """
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
values (
    %(generation_id)s, %(video_id)s, %(text_hash)s, %(creator_id)s, %(embedding)s)
"""


def made_chunks(rows: int) -> list[Chunk]:
    """Chunks of about 110 words, all different."""
    return [
        Chunk(
            index=index,
            text=f"Chunk {index} " + "of a lesson about the way that plants grow " * 12,
            start_s=index * 45.0,
            end_s=index * 45.0 + 44.0,
            token_count=120,
            topic_tags=("plant", "light", "growth"),
        )
        for index in range(rows)
    ]


def write_ours(
    database: ScratchDatabase, chunks: list[Chunk], vectors: "NDArray[np.float32]"
) -> float:
    """Seconds of our two writers for a new version of a new video."""
    video, transcript_id = database.new_video()
    generation = database.new_generation(vectors.shape[1])
    hashes = [chunk.text_hash for chunk in chunks]
    started = time.perf_counter()
    database.lessons.replace_chunks(video, transcript_id, chunks)
    database.lessons.add_embeddings(video, generation, hashes, vectors)
    return time.perf_counter() - started


def write_our_vectors(
    database: ScratchDatabase, chunks: list[Chunk], vectors: "NDArray[np.float32]"
) -> float:
    """Seconds of our writer of vectors alone."""
    video, _ = database.new_video()
    generation = database.new_generation(vectors.shape[1])
    hashes = [chunk.text_hash for chunk in chunks]
    started = time.perf_counter()
    database.lessons.add_embeddings(video, generation, hashes, vectors)
    return time.perf_counter() - started


def write_our_way(
    database: ScratchDatabase, chunks: list[Chunk], vectors: "NDArray[np.float32]"
) -> float:
    """Seconds of the specification's rows, sent as our writer sends vectors."""
    step = STATEMENT_BYTES // (vectors.itemsize * vectors.shape[1])
    with database.admin.transaction() as connection:
        connection.execute(CREATE_SPECIFIED)
    video, _ = database.new_video()
    started = time.perf_counter()
    with database.admin.transaction() as connection, connection.cursor() as cursor:
        cursor.adapters.register_dumper(VectorArray, VectorArrayDumper)
        for start in range(0, len(chunks), step):
            batch = chunks[start : start + step]
            cursor.execute(
                INSERT_ARRAYS,
                {
                    "video_id": video.id,
                    "texts": [chunk.text for chunk in batch],
                    "indexes": [chunk.index for chunk in batch],
                    "starts": [chunk.start_s for chunk in batch],
                    "ends": [chunk.end_s for chunk in batch],
                    "vectors": VectorArray(vectors[start : start + step]),
                    "tags": ["{" + ",".join(chunk.topic_tags) + "}" for chunk in batch],
                },
            )
    return time.perf_counter() - started


def ten_at_a_time(
    url: str, rows: int, insert: Callable[[psycopg.Connection, int], None]
) -> float:
    """Seconds of the specification's loop: ten inserts, each on its connection.

    The next ten start when all of the ten before are stored.
    """
    connections = [psycopg.connect(url, autocommit=True) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for batch in range(0, rows, CONNECTIONS):
            indexes = range(batch, min(batch + CONNECTIONS, rows))
            list(threads.map(insert, connections, indexes))
    elapsed = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return elapsed


def as_text(vector: "NDArray[np.float32]") -> str:
    """A vector as JSON writes it, every digit of each number."""
    return "[" + ",".join(map(str, vector.tolist())) + "]"


def write_specified(
    database: ScratchDatabase,
    chunks: list[Chunk],
    vectors: "NDArray[np.float32]",
    *,
    over_rest: bool = False,
) -> float:
    """Seconds of ten at a time, each a row of its own with the vector as text.

    `over_rest` adds what PostgREST, through which the specification's client writes,
    puts around each request: a transaction and its settings
    (https://docs.postgrest.org/en/v12/references/transactions.html). The HTTP call
    itself is left out of both.
    """
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(CREATE_SPECIFIED)
    video, _ = database.new_video()

    def insert(connection: psycopg.Connection, index: int) -> None:
        chunk = chunks[index]
        connection.execute(
            INSERT_SPECIFIED,
            (
                video.id,
                chunk.text,
                chunk.index,
                chunk.start_s,
                chunk.end_s,
                as_text(vectors[index]),
                list(chunk.topic_tags),
            ),
        )

    def insert_as_request(connection: psycopg.Connection, index: int) -> None:
        with connection.transaction():
            connection.execute(SET_UP_REQUEST)
            insert(connection, index)

    return ten_at_a_time(
        database.admin_url, len(chunks), insert_as_request if over_rest else insert
    )


def write_specified_into_ours(
    database: ScratchDatabase, chunks: list[Chunk], vectors: "NDArray[np.float32]"
) -> float:
    """Seconds of ten at a time into our tables: a transaction for each chunk."""
    video, transcript_id = database.new_video()
    generation = database.new_generation(vectors.shape[1])

    def insert(connection: psycopg.Connection, index: int) -> None:
        chunk = chunks[index]
        row = {
            "id": uuid4(),
            "transcript_id": transcript_id,
            "video_id": video.id,
            "creator_id": video.creator_id,
            "chunk_index": chunk.index,
            "chunk_text": chunk.text,
            "text_hash": chunk.text_hash,
            "token_count": chunk.token_count,
            "start_s": chunk.start_s,
            "end_s": chunk.end_s,
            "topic_tags": list(chunk.topic_tags),
            "generation_id": generation,
            "embedding": as_text(vectors[index]),
        }
        with connection.transaction():
            connection.execute(SET_CREATOR, [str(video.creator_id)])
            connection.execute(INSERT_CHUNK, row)
            connection.execute(INSERT_VECTOR, row)

    return ten_at_a_time(database.app_url, len(chunks), insert)


def write_executemany(
    database: ScratchDatabase, chunks: list[Chunk], vectors: "NDArray[np.float32]"
) -> float:
    """Seconds of one executemany in one transaction."""
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(CREATE_SPECIFIED)
        connection.commit()
        register_vector(connection)
        video, _ = database.new_video()
        started = time.perf_counter()
        connection.cursor().executemany(
            INSERT_SPECIFIED,
            [
                (
                    video.id,
                    chunk.text,
                    chunk.index,
                    chunk.start_s,
                    chunk.end_s,
                    vector,
                    list(chunk.topic_tags),
                )
                for chunk, vector in zip(chunks, vectors, strict=True)
            ],
        )
        connection.commit()
        return time.perf_counter() - started


def write_peer(
    name: str, database: ScratchDatabase, rows: int, dimensions: int
) -> float:
    """Seconds of a library's bulk call, measured in its own process."""
    answer = subprocess.run(
        [
            PROJECT / ".venv-peers/bin/python",
            PROJECT / "benchmarks/peer_vector_writes.py",
            name,
            database.admin_url,
            str(rows),
            str(dimensions),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise SystemExit(f"{name} failed:\n{answer.stderr[-2000:]}")
    return float(json.loads(answer.stdout.splitlines()[-1])["seconds"])


def seconds_of_turn(
    database: ScratchDatabase, chunks: list[Chunk], vectors: "NDArray[np.float32]"
) -> dict[str, float]:
    """Every writer once, in turn."""
    rows, dimensions = vectors.shape
    return {
        "ours": write_ours(database, chunks, vectors),
        "our vectors": write_our_vectors(database, chunks, vectors),
        "our way, specified": write_our_way(database, chunks, vectors),
        "specified": write_specified(database, chunks, vectors),
        "specified, REST": write_specified(database, chunks, vectors, over_rest=True),
        "specified, ours": write_specified_into_ours(database, chunks, vectors),
        "executemany": write_executemany(database, chunks, vectors),
        **{name: write_peer(name, database, rows, dimensions) for name in PEERS},
    }


def main(rows: int, turns: int) -> None:
    """Run every writer in turn and print the figures."""
    import numpy as np

    subprocess.run(["sh", PROJECT / "bootstrap.sh", "peers"], check=True)  # noqa: S607
    chunks = made_chunks(rows)
    for dimensions in (384, 1536):
        random = np.random.default_rng(0)
        vectors = random.standard_normal((rows, dimensions), dtype=np.float32)
        with (
            tempfile.TemporaryDirectory() as folder,
            scratch_database(Path(folder) / "server") as database,
        ):
            figures = [seconds_of_turn(database, chunks, vectors) for _ in range(turns)]
        print(f"{rows} rows, {dimensions} dimensions, median of {turns}")
        medians = {
            name: statistics.median(turn[name] for turn in figures)
            for name in figures[0]
        }
        for name, median in medians.items():
            print(
                f"  {name:19} {rows / median:9.0f} rows/s, "
                f"ours is {median / medians['ours']:5.1f}x, "
                f"vectors alone {median / medians['our vectors']:5.1f}x, "
                f"our way {median / medians['our way, specified']:5.1f}x"
            )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 10_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 3,
    )
