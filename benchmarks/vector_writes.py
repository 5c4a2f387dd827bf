"""Writing chunks and their vectors: our writer against the ways others do it.

`python -m benchmarks.vector_writes [ROWS [TURNS]]` (10,000 and 3 by default), for 384
and 1,536 dimensions, each writer in turn on one embedded PostgreSQL:

- ours: chunk rows and vectors as the assets write them, as the app role: two tables
  with foreign keys, row-level security and the words for full-text search;
- our vectors: the same without the chunk rows;
- specified: ten connections that insert single rows with the vector as text;
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from pgvector.psycopg import register_vector

from benchmarks.scratch_database import ScratchDatabase, scratch_database
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


def write_specified(
    database: ScratchDatabase, chunks: list[Chunk], vectors: "NDArray[np.float32]"
) -> float:
    """Seconds of ten at a time, each a row of its own with the vector as text."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(CREATE_SPECIFIED)
    video, _ = database.new_video()
    connections = [
        psycopg.connect(database.admin_url, autocommit=True) for _ in range(CONNECTIONS)
    ]

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
                "[" + ",".join(map(str, vectors[index].tolist())) + "]",
                list(chunk.topic_tags),
            ),
        )

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        # As specified: the next ten start when all of the ten before are stored.
        for batch in range(0, len(chunks), CONNECTIONS):
            indexes = range(batch, min(batch + CONNECTIONS, len(chunks)))
            list(threads.map(insert, connections, indexes))
    elapsed = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return elapsed


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
        "specified": write_specified(database, chunks, vectors),
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
                f"  {name:12} {rows / median:9.0f} rows/s, "
                f"ours is {median / medians['ours']:5.1f}x, "
                f"our vectors {median / medians['our vectors']:5.1f}x"
            )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 10_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 3,
    )
