"""Vectors for benchmarks of search: of a hundred subjects, three in each chunk.

Subjects overlap as in texts. (Tight clusters apart from each other would flatter an
inverted file, whose lists they would be.) They lie in videos of creators of many sizes.

The same rows lie in our tables and in `plain`, a table of its own for everything that
is not ours.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from pgvector.psycopg import register_vector

from benchmarks.scratch_database import ScratchDatabase

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
SUBJECTS = 100
SUBJECTS_EACH = 3
NOISE = 0.5
VIDEO_CHUNKS = 100
SHARES = (0.01, 0.02, 0.05, 0.10, 0.25, 0.57)
"""Of all chunks, one creator each."""

CREATE_PLAIN = """
create table plain (
    n bigint primary key, creator_id uuid, video_id uuid, embedding vector(384))
"""
COPY_PLAIN = (
    "copy plain (n, creator_id, video_id, embedding) from stdin (format binary)"
)

# Ids by number, so that answers are compared as numbers.
FILL_OURS = """
insert into creators (id, email)
select creator_id, creator_id || '@bench.example' from plain group by creator_id;
insert into videos (
    id, creator_id, title, storage_key, upload_etag, published_transcript_id)
select video_id, creator_id, 'Lesson', video_id::text, 'e', video_id
from plain group by video_id, creator_id;
insert into transcripts (id, video_id, creator_id, source_hash, fingerprint, origin,
    language, duration_s, word_count, full_text, segments)
select video_id, video_id, creator_id, 's', 'f', 'recognised', 'en', 1, 1, 'x', '[]'
from plain group by video_id, creator_id;
insert into transcript_chunks (id, transcript_id, video_id, creator_id, chunk_index,
    chunk_text, text_hash, tsv, token_count, start_timestamp, end_timestamp)
select lpad(to_hex(n), 32, '0')::uuid, video_id, video_id, creator_id,
    -- Every other one, so that no two are merged into one passage.
    2 * n, said.words, lpad(to_hex(n), 64, '0'), to_tsvector('simple', said.words),
    1, n, n + 1
from plain
cross join lateral (
    -- By Zipf's law, without the stop words: the most frequent in a quarter of all.
    select string_agg('w' || (20 * 1000 ^ random())::int, ' ') as words
    from generate_series(1, 40 + 0 * n)
) as said;
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
select '{generation}', video_id, lpad(to_hex(n), 64, '0'), creator_id, embedding
from plain
"""


@dataclass(frozen=True)
class Population:
    """The vectors, row n being chunk n, and whose they are."""

    vectors: "NDArray[np.float32]"
    creators: "NDArray[np.int64]"
    videos: "NDArray[np.int64]"
    generation: UUID

    def questions(self, count: int) -> "NDArray[np.float32]":
        """Unit vectors that lie among the others, as questions about lessons do."""
        import numpy as np

        random = np.random.default_rng(1)
        near = self.vectors[random.integers(0, len(self.vectors), count)]
        noise = random.normal(size=near.shape) / np.sqrt(DIMENSIONS)
        return _unit(near + 0.5 * noise)

    def nearest(
        self,
        questions: "NDArray[np.float32]",
        rows: "NDArray[np.int64]",
        wanted: int,
    ) -> list[set[int]]:
        """The true nearest of `rows` to each question."""
        import numpy as np

        # A million of them are not copied.
        is_all = len(rows) == len(self.vectors)
        within = self.vectors if is_all else self.vectors[rows]
        found = []
        for question in questions:
            scores = within @ question
            best = np.argpartition(-scores, min(wanted, len(scores)) - 1)[:wanted]
            found.append({int(n) for n in rows[best]})
        return found


def words_beside(question: "NDArray[np.float32]") -> str:
    """Six words to ask for with a vector, the same ones each time."""
    import numpy as np

    random = np.random.default_rng(question.view(np.uint32)[:4])
    return " ".join(f"w{int(20 * 1000**share)}" for share in random.random(6))


def uuid_of(number: int) -> UUID:
    """The id of a creator, a video or a chunk."""
    return UUID(int=int(number))


def populate(database: ScratchDatabase, rows: int) -> Population:
    """Fill our tables and `plain` with the same vectors, without an index on them."""
    import numpy as np

    random = np.random.default_rng(7)
    subjects = random.normal(size=(SUBJECTS, DIMENSIONS))
    vectors = np.empty((rows, DIMENSIONS), dtype=np.float32)
    for start in range(0, rows, 10_000):
        count = min(10_000, rows - start)
        mixed = NOISE * random.normal(size=(count, DIMENSIONS))
        for _ in range(SUBJECTS_EACH):
            share = random.uniform(0.3, 1, size=(count, 1))
            mixed += share * subjects[random.integers(0, SUBJECTS, count)]
        vectors[start : start + count] = _unit(mixed)
    videos = np.arange(rows) // VIDEO_CHUNKS
    ends = np.cumsum(SHARES) * (rows / VIDEO_CHUNKS)
    # Ids of creators begin where those of videos end.
    creators = 10**9 + np.searchsorted(ends, videos, side="right")
    creators = np.minimum(creators, 10**9 + len(SHARES) - 1)
    generation = database.new_generation(DIMENSIONS)
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("alter role current_user set maintenance_work_mem = '4GB'")
        register_vector(connection)
        connection.execute(CREATE_PLAIN)
        with connection.cursor().copy(COPY_PLAIN) as copy:
            copy.set_types(("int8", "uuid", "uuid", "vector"))
            for n in range(rows):
                ids = (uuid_of(creators[n]), uuid_of(videos[n] + 1))
                copy.write_row((n, *ids, vectors[n]))
        # A video and its transcript name each other: both are there at the end of it.
        with connection.transaction():
            for statement in FILL_OURS.format(generation=generation).split(";\n"):
                connection.execute(statement.encode())
        connection.execute("vacuum analyze")
    return Population(vectors, creators, videos + 1, generation)


def _unit(vectors: "NDArray[np.float64]") -> "NDArray[np.float32]":
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return unit
