"""Rows of `chunk_embeddings`, written as binary arrays."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.adapters.postgres.lessons.vectors import (
    VectorArray,
    VectorArrayDumper,
)
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.videos import Video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SELECT_MISSING = """
select text_hash
from unnest(%(text_hashes)b::text[]) as wanted (text_hash)
where not exists (
    select from chunk_embeddings as stored
    where stored.generation_id = %(generation_id)s
      and stored.video_id = %(video_id)s
      and stored.text_hash = wanted.text_hash)
"""

# Two arrays, read side by side. COPY would need a table of the transaction in between
# (it knows neither ON CONFLICT nor row-level security), and a vector of 1,536 numbers
# does not fit into a row: it would be cut into pieces, joined and cut again.
INSERT_EMBEDDINGS = """
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
select
    %(generation_id)s, %(video_id)s, unnest(%(text_hashes)b::text[]), %(creator_id)s,
    unnest(%(vectors)b::vector[])
on conflict do nothing
"""

STATEMENT_BYTES = 1_000_000
"""Of vectors in one statement: twice as many were not written faster, and six times
as many were written slower."""


class EmbeddingRows(Rows):
    """Satisfies `EmbeddingStore`."""

    def missing_embeddings(
        self, video: Video, generation_id: UUID, chunks: Sequence[Chunk]
    ) -> Mapping[str, str]:
        """Text by hash of those chunks that have no vector in the generation yet."""
        texts = {chunk.text_hash: chunk.text for chunk in chunks}
        with self._database.transaction(video.creator_id) as connection:
            missing = connection.execute(
                SELECT_MISSING,
                {
                    "generation_id": generation_id,
                    "video_id": video.id,
                    "text_hashes": list(texts),
                },
            ).fetchall()
        found = {text_hash for (text_hash,) in missing}
        return {name: text for name, text in texts.items() if name in found}

    def add_embeddings(
        self,
        video: Video,
        generation_id: UUID,
        text_hashes: Sequence[str],
        vectors: "NDArray[np.float32]",
    ) -> int:
        """Store one vector per hash; rows that exist stay. Returns rows added."""
        with self._database.transaction(video.creator_id) as connection:
            return insert_vectors(
                connection,
                generation_id,
                video.id,
                video.creator_id,
                text_hashes,
                vectors,
            )


def insert_vectors(  # noqa: PLR0917  (a row of the table, and the connection)
    connection: Connection,
    generation_id: UUID,
    video_id: UUID,
    creator_id: UUID,
    text_hashes: Sequence[str],
    vectors: "NDArray[np.float32]",
) -> int:
    """Store one vector per hash; rows that exist stay. Returns rows added."""
    if len(text_hashes) != len(vectors):
        raise ValueError("one vector per hash")
    step = max(1, STATEMENT_BYTES // (vectors.itemsize * vectors.shape[1]))
    added = 0
    with connection.cursor() as cursor:
        cursor.adapters.register_dumper(VectorArray, VectorArrayDumper)
        for start in range(0, len(text_hashes), step):
            added += cursor.execute(
                INSERT_EMBEDDINGS,
                {
                    "generation_id": generation_id,
                    "video_id": video_id,
                    "creator_id": creator_id,
                    "text_hashes": list(text_hashes[start : start + step]),
                    "vectors": VectorArray(vectors[start : start + step]),
                },
            ).rowcount
    return added
