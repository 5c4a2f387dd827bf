"""Which stored objects rows name, and which vectors no chunk uses."""

from collections.abc import Collection
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.lessons.audio import AUDIO_PREFIX
from mentora_pipelines.domain.lessons.captions import CAPTIONS_PREFIX
from mentora_pipelines.domain.operations.orphan_ledger import NotedOrphan
from mentora_pipelines.domain.operations.unused_vectors import VectorUse
from mentora_pipelines.domain.storage import REPORTS_PREFIX
from mentora_pipelines.domain.uploads import UPLOADS_PREFIX
from mentora_pipelines.errors import InvalidInput

SELECT_NOTED = """
select storage_key, upload_etag, orphaned_at, coalesce(asked_at, orphaned_at)
from orphaned_blobs
where orphaned_at < %(before)s
  and storage_key > %(after)s collate "C"
  and not exists (
      select from videos where videos.storage_key = orphaned_blobs.storage_key)
order by storage_key collate "C"
limit %(limit)s
"""

SELECT_NAMED = """
select storage_key from videos where storage_key = any(%(keys)s)
union
select audio_key from videos where audio_key = any(%(keys)s)
union
select storage_key from caption_tracks where storage_key = any(%(keys)s)
"""

COUNTS: dict[str, LiteralString] = {
    UPLOADS_PREFIX: "select count(*) from videos",
    AUDIO_PREFIX: "select count(*) from videos where audio_key is not null",
    CAPTIONS_PREFIX: "select count(*) from caption_tracks",
    REPORTS_PREFIX: "select count(*) from creators",
}

SELECT_CREATORS = "select id from creators where id = any(%(ids)s)"

FORGET = "delete from orphaned_blobs where storage_key = any(%(keys)s)"

# Nobody works on the videos and nothing has for a while: a run writes its chunks before
# it asks which of them have a vector.
UNUSED: LiteralString = """
    from chunk_embeddings as stored
    join videos as video on video.id = stored.video_id
    where video.processing_status = 'completed'
      and video.processed_at < %(before)s
      and not exists (
          select from transcript_chunks as chunk
          where chunk.video_id = stored.video_id
            and chunk.text_hash = stored.text_hash)
"""

COUNT_ALL = "select count(*) from chunk_embeddings"

COUNT_UNUSED = "select count(*) " + UNUSED

SELECT_UNUSED = (
    "select stored.generation_id, stored.video_id, stored.text_hash "
    + UNUSED
    + "limit %(limit)s"
)

DELETE_VECTORS = """
delete from chunk_embeddings as stored
using unnest(%(generations)s::uuid[], %(videos)s::uuid[], %(hashes)s::text[])
    as unused (generation_id, video_id, text_hash)
where stored.generation_id = unused.generation_id
  and stored.video_id = unused.video_id
  and stored.text_hash = unused.text_hash
"""


class OrphanRows(Rows):
    """Satisfies `OrphanLedger` and `VectorLedger`."""

    def noted_orphans(
        self, before: datetime, *, after: str, limit: int
    ) -> list[NotedOrphan]:
        """Those noted before that time that no row names, above `after`, by key."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_NOTED, {"before": before, "after": after, "limit": limit}
            ).fetchall()
        return [NotedOrphan(*row) for row in rows]

    def named(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that a row names."""
        if not keys:
            return set()
        with self._database.transaction() as connection:
            rows = connection.execute(SELECT_NAMED, {"keys": list(keys)}).fetchall()
        return {str(key) for (key,) in rows}

    def named_count(self, prefix: str) -> int:
        """How many objects under a prefix the rows name, at most.

        Raises `InvalidInput` for a prefix under which no row names anything.
        """
        if prefix not in COUNTS:
            raise InvalidInput(f"no row names objects under {prefix}")
        with self._database.transaction() as connection:
            row = connection.execute(COUNTS[prefix]).fetchone()
        return 0 if row is None else int(row[0])

    def known_creators(self, creator_ids: Collection[UUID]) -> set[UUID]:
        """Those of `creator_ids` that are still creators."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_CREATORS, {"ids": list(creator_ids)}
            ).fetchall()
        return {creator_id for (creator_id,) in rows}

    def forget_orphans(self, keys: Collection[str]) -> None:
        """Remove the notes."""
        with self._database.transaction() as connection:
            connection.execute(FORGET, {"keys": list(keys)})

    def vector_use(self, before: datetime) -> VectorUse:
        """How many vectors there are, and how many no chunk has used since `before`."""
        with self._database.transaction() as connection:
            every = connection.execute(COUNT_ALL).fetchone()
            unused = connection.execute(COUNT_UNUSED, {"before": before}).fetchone()
        return VectorUse(int(every[0]) if every else 0, int(unused[0]) if unused else 0)

    def delete_unused_vectors(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` of those; returns how many."""
        with self._database.transaction() as connection:
            unused = connection.execute(
                SELECT_UNUSED, {"before": before, "limit": limit}
            ).fetchall()
            if not unused:
                return 0
            generations, videos, hashes = zip(*unused, strict=True)
            done = connection.execute(
                DELETE_VECTORS,
                {
                    "generations": list(generations),
                    "videos": list(videos),
                    "hashes": list(hashes),
                },
            )
            return done.rowcount
