"""The published chunks nearest to a question, as the admin role."""

from typing import TYPE_CHECKING

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.search import SearchHit, SearchScope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# `+ 0` keeps the planner from an index scan that would stop short of a filtered set.
NEAREST = """
select
    chunk.video_id,
    video.title,
    chunk.start_timestamp as start_s,
    chunk.end_timestamp as end_s,
    chunk.chunk_text as text,
    1 - (chunk.embedding <=> %(query)s) as score
from video_chunks as chunk
join videos as video on video.id = chunk.video_id
where (%(creator_id)s::uuid is null or chunk.creator_id = %(creator_id)s)
  and (%(video_id)s::uuid is null or chunk.video_id = %(video_id)s)
order by (chunk.embedding <=> %(query)s) + 0, chunk.id
limit %(limit)s
"""


class SearchRows(Rows):
    """Satisfies `SearchIndex`; the scope stands in the statement."""

    def nearest(
        self, query: "NDArray[np.float32]", scope: SearchScope, limit: int
    ) -> list[SearchHit]:
        """At most `limit` published chunks of the active generation, best first."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=class_row(SearchHit)) as cursor,
        ):
            return cursor.execute(
                NEAREST,
                {
                    "query": query,
                    "creator_id": scope.creator_id,
                    "video_id": scope.video_id,
                    "limit": limit,
                },
            ).fetchall()
