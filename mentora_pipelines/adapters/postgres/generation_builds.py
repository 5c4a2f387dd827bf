"""Generations as they are built, measured, swapped and dropped, as the admin role."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.embeddings import insert_vectors
from mentora_pipelines.adapters.postgres.generations import create_partition
from mentora_pipelines.adapters.postgres.vector_index import (
    MAX_DIMENSIONS,
    create_index_statement,
    partition_name,
)
from mentora_pipelines.domain.generations import (
    Generation,
    GenerationStatus,
    MissingTexts,
)
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import Busy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VIDEOS_AT_ONCE = 100

SELECT_GENERATIONS = """
select
    generation.id, generation.provider, generation.model, generation.dimensions,
    generation.status, generation.recall, generation.golden_mrr,
    generation.created_at, generation.activated_at,
    (
        select count(*) from chunk_embeddings
        where chunk_embeddings.generation_id = generation.id
    ) as vectors,
    exists (
        select from pg_inherits
        join pg_class as part on part.oid = inhrelid
        join pg_index on indrelid = part.oid
        join pg_class as of_vectors on of_vectors.oid = indexrelid
        join pg_am as method on method.oid = of_vectors.relam
        where inhparent = 'chunk_embeddings'::regclass
          and pg_get_expr(part.relpartbound, part.oid)
            = format('FOR VALUES IN (%L)', generation.id)
          and indisvalid and method.amname = 'hnsw'
    ) as is_indexed
from embedding_generations as generation
order by generation.created_at, generation.id
"""

INSERT_BUILDING = """
insert into embedding_generations (id, provider, model, dimensions, status)
values (%(id)s, %(provider)s, %(model)s, %(dimensions)s, 'building')
on conflict do nothing
"""

# What readers see and what is about to be published, of every video from a place on.
SELECT_MISSING = """
with lacking as (
    select chunk.video_id, chunk.creator_id, chunk.text_hash, chunk.chunk_text
    from videos as video
    join transcript_chunks as chunk
        on chunk.video_id = video.id
        and (
            (
                chunk.transcript_id = video.published_transcript_id
                and chunk.cut = video.published_chunk_cut)
            or (
                chunk.transcript_id = video.staged_transcript_id
                and chunk.cut = video.staged_chunk_cut))
    where not exists (
        select from chunk_embeddings as stored
        where stored.generation_id = %(generation_id)s
          and stored.video_id = chunk.video_id
          and stored.text_hash = chunk.text_hash)
      and (%(after)s::uuid is null or video.id > %(after)s)
)
select
    video_id, creator_id,
    array_agg(text_hash order by text_hash) as text_hashes,
    array_agg(chunk_text order by text_hash) as texts
from (select distinct on (video_id, text_hash) * from lacking) as texts
group by video_id, creator_id
order by video_id
limit %(limit)s
"""

LOCK_GENERATIONS = "lock table embedding_generations in share row exclusive mode"

RETIRE_ACTIVE = """
update embedding_generations
set status = 'retired', retired_at = now()
where status = 'active' and id <> %(generation_id)s
"""

ACTIVATE = """
update embedding_generations
set status = 'active', activated_at = now(), retired_at = null
where id = %(generation_id)s and status <> 'active'
"""

RECORD_FIGURES = """
update embedding_generations
set recall = %(recall)s, golden_mrr = %(golden_mrr)s
where id = %(generation_id)s
"""

# Given back with the end of the transaction, however that comes, also behind a
# transaction pooler.
TAKE_TURN = """
select
    pg_try_advisory_xact_lock(hashtextextended('generation ' || %(id)s, 0)),
    set_config('idle_in_transaction_session_timeout', '0', true)
"""

# What a build leaves that is broken off: its index, or the one that REINDEX makes
# beside it (`_ccnew`) or puts aside (`_ccold`).
SELECT_VECTOR_INDEXES = """
select of_vectors.relname, indisvalid
from pg_index
join pg_class as of_vectors on of_vectors.oid = indexrelid
join pg_am as method on method.oid = of_vectors.relam
where indrelid = to_regclass(%(part)s) and method.amname = 'hnsw'
"""

SELECT_RECALL = "select search_recall(%(generation_id)s)"

DETACH_STATE = """
select inhdetachpending from pg_inherits
where inhparent = 'chunk_embeddings'::regclass and inhrelid = to_regclass(%(part)s)
"""


class GenerationBuildRows(Rows):
    """Satisfies `GenerationStore`."""

    def generations(self) -> list[Generation]:
        """All of them, the oldest first."""
        with (
            self._database.transaction() as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(SELECT_GENERATIONS).fetchall()
        return [
            Generation(
                id=row["id"],
                model=EmbeddingModel(row["provider"], row["model"], row["dimensions"]),
                status=GenerationStatus(row["status"]),
                vectors=row["vectors"],
                is_indexed=row["is_indexed"],
                recall=row["recall"],
                golden_mrr=row["golden_mrr"],
                created_at=row["created_at"],
                activated_at=row["activated_at"],
            )
            for row in rows
        ]

    @contextmanager
    def turn(self, generation: Generation) -> Iterator[None]:
        """Alone at work on a generation, so that no text is paid for twice.

        Raises `Busy` when somebody else is at work on it.
        """
        with self._database.without_transaction() as connection:
            connection.execute("begin")
            row = connection.execute(TAKE_TURN, {"id": str(generation.id)}).fetchone()
            if row is None or not row[0]:
                raise Busy(
                    f"somebody else is at work on the vectors of "
                    f"{generation.model.model} ({generation.model.dimensions} "
                    "dimensions)"
                )
            try:
                yield
            finally:
                # A connection that was lost meanwhile undoes nothing of the work.
                with suppress(psycopg.Error):
                    connection.execute("rollback")
                connection.close()

    def begin_generation(self, model: EmbeddingModel) -> Generation:
        """The model's generation; made, as `building`, when there is none."""
        with self._database.transaction() as connection:
            made = connection.execute(
                INSERT_BUILDING,
                {
                    "id": model.generation_id,
                    "provider": model.provider,
                    "model": model.model,
                    "dimensions": model.dimensions,
                },
            )
            if made.rowcount:
                create_partition(connection, model.generation_id, model.dimensions)
        return next(g for g in self.generations() if g.id == model.generation_id)

    def missing_texts(self, generation_id: UUID) -> Iterator[MissingTexts]:
        """Video by video, what published and staged chunks say and has no vector."""
        after: UUID | None = None
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(
                    SELECT_MISSING,
                    {
                        "generation_id": generation_id,
                        "after": after,
                        "limit": VIDEOS_AT_ONCE,
                    },
                ).fetchall()
            for video_id, creator_id, text_hashes, texts in rows:
                yield MissingTexts(
                    video_id, creator_id, dict(zip(text_hashes, texts, strict=True))
                )
            if len(rows) < VIDEOS_AT_ONCE:
                return
            after = rows[-1][0]

    def add_vectors(
        self,
        generation_id: UUID,
        missing: MissingTexts,
        text_hashes: Sequence[str],
        vectors: "NDArray[np.float32]",
    ) -> int:
        """Store one vector per hash; rows that exist stay. Returns rows added."""
        with self._database.transaction() as connection:
            return insert_vectors(
                connection,
                generation_id,
                missing.video_id,
                missing.creator_id,
                text_hashes,
                vectors,
            )

    def build_index(self, generation: Generation) -> None:
        """Build the index on the vectors that are there; nobody waits meanwhile.

        One that is there is built anew beside itself. What builds that were broken off
        have left is dropped first.
        """
        if generation.model.dimensions > MAX_DIMENSIONS:
            return
        part = partition_name(generation.id)
        name = f"{part}_hnsw"
        with self._database.without_transaction() as connection:
            found = dict(
                connection.execute(SELECT_VECTOR_INDEXES, {"part": part}).fetchall()
            )
            for index, is_valid in found.items():
                if not is_valid:
                    connection.execute(
                        sql.SQL("drop index concurrently {}").format(
                            sql.Identifier(index)
                        )
                    )
            if found.get(name):
                connection.execute(
                    sql.SQL("reindex index concurrently {}").format(
                        sql.Identifier(name)
                    )
                )
            else:
                connection.execute(
                    create_index_statement(
                        generation.id, generation.model.dimensions, name
                    )
                )
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(part)))

    def measure_recall(self, generation: Generation) -> float | None:
        """Recall@10 of a search by index against one without, over sampled chunks."""
        if not generation.is_indexed:
            return None
        with (
            self._database.without_transaction() as connection,
            connection.transaction(),
        ):
            row = connection.execute(
                SELECT_RECALL, {"generation_id": generation.id}
            ).fetchone()
        return None if row is None else row[0]

    def record_figures(
        self, generation_id: UUID, recall: float | None, golden_mrr: float | None
    ) -> None:
        """Keep what was measured last."""
        with self._database.transaction() as connection:
            connection.execute(
                RECORD_FIGURES,
                {
                    "generation_id": generation_id,
                    "recall": recall,
                    "golden_mrr": golden_mrr,
                },
            )

    def activate(self, generation_id: UUID) -> bool:
        """Search this generation, and keep the active one as `retired`; whether done.

        In one transaction, and only when no published or staged text lacks a vector.
        """
        with self._database.transaction() as connection:
            connection.execute(LOCK_GENERATIONS)
            lacking = connection.execute(
                SELECT_MISSING,
                {"generation_id": generation_id, "after": None, "limit": 1},
            ).fetchone()
            if lacking is not None:
                return False
            connection.execute(RETIRE_ACTIVE, {"generation_id": generation_id})
            connection.execute(ACTIVATE, {"generation_id": generation_id})
        return True

    def drop_generation(self, generation: Generation) -> None:
        """Delete a generation with its vectors, which are a table.

        Step by step, each of which leaves what the next call goes on with. Searches
        that name it meanwhile find by words alone.
        """
        name = partition_name(generation.id)
        part = sql.Identifier(name)
        with self._database.without_transaction() as connection:
            state = connection.execute(DETACH_STATE, {"part": name}).fetchone()
            if state is not None:
                how = sql.SQL("finalize" if state[0] else "concurrently")
                connection.execute(
                    sql.SQL(
                        "alter table chunk_embeddings detach partition {} {}"
                    ).format(part, how)
                )
            connection.execute(sql.SQL("drop table if exists {}").format(part))
            connection.execute(
                "delete from embedding_generations where id = %(id)s and status <> "
                "'active'",
                {"id": generation.id},
            )
