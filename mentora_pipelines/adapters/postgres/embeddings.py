"""Rows of `chunk_embeddings`, written by binary COPY."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.videos import Video

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SELECT_PRESENT = """
select text_hash
from chunk_embeddings
where generation_id = %(generation_id)s
  and video_id = %(video_id)s
  and text_hash = any(%(text_hashes)s)
"""

# COPY knows no ON CONFLICT, so it fills a table of this transaction first.
CREATE_INCOMING = """
create temporary table incoming (text_hash text, embedding vector) on commit drop
"""

COPY_INCOMING = "copy incoming (text_hash, embedding) from stdin (format binary)"

INSERT_EMBEDDINGS = """
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
select %(generation_id)s, %(video_id)s, text_hash, %(creator_id)s, embedding
from incoming
on conflict do nothing
"""


class EmbeddingRows(Rows):
    """Satisfies `EmbeddingStore`."""

    def missing_embeddings(
        self, video: Video, generation_id: UUID, chunks: Sequence[Chunk]
    ) -> Mapping[str, str]:
        """Text by hash of those chunks that have no vector in the generation yet."""
        texts = {chunk.text_hash: chunk.text for chunk in chunks}
        with self._database.transaction(video.creator_id) as connection:
            present = connection.execute(
                SELECT_PRESENT,
                {
                    "generation_id": generation_id,
                    "video_id": video.id,
                    "text_hashes": list(texts),
                },
            ).fetchall()
        for (text_hash,) in present:
            del texts[text_hash]
        return texts

    def add_embeddings(
        self,
        video: Video,
        generation_id: UUID,
        text_hashes: Sequence[str],
        vectors: "NDArray[np.float32]",
    ) -> int:
        """Store one vector per hash; rows that exist stay. Returns rows added."""
        with self._database.transaction(video.creator_id) as connection:
            connection.execute(CREATE_INCOMING)
            with connection.cursor().copy(COPY_INCOMING) as copy:
                copy.set_types(["text", "vector"])
                for row in zip(text_hashes, vectors, strict=True):
                    copy.write_row(row)
            return connection.execute(
                INSERT_EMBEDDINGS,
                {
                    "generation_id": generation_id,
                    "video_id": video.id,
                    "creator_id": video.creator_id,
                },
            ).rowcount
