"""Replacing one lesson's chunks and vectors while an HNSW index stands.

`python -m benchmarks.lesson_replacement [TURNS]` (5 by default): among 100,000 vectors
of 384 dimensions, the 1,000 chunks of one lesson are replaced with 0, 5 and 100 % of
their texts changed, in turn by

- ours: a new version's chunk rows, and vectors for the texts that have none;
- delete and COPY: every row of the lesson in a table with chunk and vector.

Prints milliseconds (median of the turns) and the ratio.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from benchmarks.scratch_database import ScratchDatabase, scratch_database
from benchmarks.vector_writes import made_chunks
from mentora_pipelines.domain.lessons.chunks import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
LESSON_CHUNKS = 1_000
OTHER_LESSONS = 99

INDEX_OURS = """
create index on {partition} using hnsw ((embedding::halfvec(384)) halfvec_cosine_ops)
"""
CREATE_PLAIN = """
create table plain (
    id uuid primary key, video_id uuid, chunk_text text, chunk_index int,
    start_timestamp float8, end_timestamp float8, embedding vector(384),
    topic_tags text[])
"""
INDEX_PLAIN = """
create index on plain using hnsw ((embedding::halfvec(384)) halfvec_cosine_ops);
create index on plain (video_id)
"""
COPY_PLAIN = """
copy plain (
    id, video_id, chunk_text, chunk_index, start_timestamp, end_timestamp, embedding,
    topic_tags)
from stdin (format binary)
"""
PLAIN_TYPES = ("uuid", "uuid", "text", "int4", "float8", "float8", "vector", "text[]")


def vectors_for(count: int, seed: int) -> "NDArray[np.float32]":
    """Unit vectors around 200 centres, as texts of a few subjects have them."""
    import numpy as np

    centres = np.random.default_rng(7).normal(size=(200, DIMENSIONS))
    random = np.random.default_rng(seed)
    vectors = centres[random.integers(0, 200, count)]
    vectors = vectors + 0.5 * random.normal(size=(count, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def changed(chunks: list[Chunk], share: float, turn: int) -> list[Chunk]:
    """The chunks with `share` of their texts new, spread over the lesson."""
    step = round(1 / share) if share else 0
    return [
        Chunk(
            chunk.index,
            f"{chunk.text} {turn} {uuid4()}",
            chunk.start_s,
            chunk.end_s,
            chunk.token_count,
            chunk.topic_tags,
        )
        if step and chunk.index % step == 0
        else chunk
        for chunk in chunks
    ]


class Ours:
    """Our writers, with the history that they keep."""

    def __init__(self, database: ScratchDatabase) -> None:
        self._database = database
        self.generation = database.new_generation(DIMENSIONS)
        for lesson in range(OTHER_LESSONS):
            video, _ = database.new_video()
            database.lessons.add_embeddings(
                video,
                self.generation,
                [f"{lesson}-{index}" for index in range(LESSON_CHUNKS)],
                vectors_for(LESSON_CHUNKS, lesson),
            )
        self.video, transcript_id = database.new_video()
        self.replace(made_chunks(LESSON_CHUNKS), transcript_id)
        with database.admin.transaction() as connection:
            connection.execute("set local maintenance_work_mem = '1GB'")
            partition = f"chunk_embeddings_{self.generation.hex}"
            connection.execute(INDEX_OURS.format(partition=partition).encode())

    def replace(self, chunks: list[Chunk], transcript_id: UUID | None = None) -> float:
        """Milliseconds to write the lesson's new version."""
        import numpy as np

        store = self._database.lessons
        version = transcript_id or self._database.new_version(self.video)
        vectors = vectors_for(LESSON_CHUNKS, 500)
        places = {chunk.text_hash: chunk.index for chunk in chunks}
        started = time.perf_counter()
        store.replace_chunks(self.video, version, chunks)
        missing = store.missing_embeddings(self.video, self.generation, chunks)
        if missing:
            rows = np.array([places[text_hash] for text_hash in missing])
            store.add_embeddings(
                self.video, self.generation, list(missing), vectors[rows]
            )
        return (time.perf_counter() - started) * 1000


class Plain:
    """One table of chunks and vectors, replaced by delete and binary COPY."""

    def __init__(self, database: ScratchDatabase) -> None:
        self._database = database
        self.video_id = uuid4()
        with database.admin.transaction() as connection:
            connection.execute(CREATE_PLAIN)
        for lesson in range(OTHER_LESSONS):
            self._copy(uuid4(), made_chunks(LESSON_CHUNKS), lesson)
        self._copy(self.video_id, made_chunks(LESSON_CHUNKS), 500)
        with database.admin.transaction() as connection:
            connection.execute("set local maintenance_work_mem = '1GB'")
            for statement in INDEX_PLAIN.split(";"):
                connection.execute(statement.encode())

    def replace(self, chunks: list[Chunk]) -> float:
        """Milliseconds to delete the lesson and to copy it anew."""
        started = time.perf_counter()
        self._copy(self.video_id, chunks, 500)
        return (time.perf_counter() - started) * 1000

    def _copy(self, video_id: UUID, chunks: list[Chunk], seed: int) -> None:
        vectors = vectors_for(len(chunks), seed)
        with self._database.admin.transaction() as connection:
            connection.execute("delete from plain where video_id = %s", [video_id])
            with connection.cursor().copy(COPY_PLAIN) as copy:
                copy.set_types(PLAIN_TYPES)
                for chunk, vector in zip(chunks, vectors, strict=True):
                    copy.write_row(
                        (
                            uuid4(),
                            video_id,
                            chunk.text,
                            chunk.index,
                            chunk.start_s,
                            chunk.end_s,
                            vector,
                            list(chunk.topic_tags),
                        )
                    )


def main(turns: int) -> None:
    """Build both tables, replace the lesson in turn and print the figures."""
    chunks = made_chunks(LESSON_CHUNKS)
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(Path(folder) / "server") as database,
    ):
        ours, plain = Ours(database), Plain(database)
        with database.admin.transaction() as connection:
            # As the server does by itself a minute after such a load.
            connection.execute("analyze")
        for share in (0.0, 0.05, 1.0):
            figures: dict[str, list[float]] = {"ours": [], "delete and COPY": []}
            for turn in range(turns):
                edited = changed(chunks, share, turn)
                figures["ours"].append(ours.replace(edited))
                figures["delete and COPY"].append(plain.replace(edited))
            medians = {name: statistics.median(ms) for name, ms in figures.items()}
            ratio = medians["delete and COPY"] / medians["ours"]
            print(
                f"{share:4.0%} changed: "
                + ", ".join(f"{name} {ms:.0f} ms" for name, ms in medians.items())
                + f", {ratio:.1f}x"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
