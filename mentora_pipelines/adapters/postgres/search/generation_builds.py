"""Generations as they are built, measured, swapped and dropped, as the admin role."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.adapters.postgres.lessons.embeddings import insert_vectors
from mentora_pipelines.adapters.postgres.search.generations import (
    create_partition,
    insert_generation,
)
from mentora_pipelines.adapters.postgres.search.vector_index import (
    GIVE_BUILD_MEMORY,
    MAX_DIMENSIONS,
    create_index_statement,
    graph_bytes,
    partition_name,
)
from mentora_pipelines.domain.generations.generations import (
    Generation,
    GenerationStatus,
    MissingTexts,
)
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import Busy, Conflict, TransientError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tenacity import Retrying

VIDEOS_AT_ONCE = 100

LOCK_PATIENCE_S = 120
"""A new table of vectors, and one that goes, wait so long for whoever is at work on
videos: a backup reads them for an hour, and the next call goes on."""

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

# What readers see and what is about to be published.
LACKING = sql.SQL("""
from transcript_chunks as chunk
where chunk.video_id = video.id
  and (
    (
        chunk.transcript_id = video.published_transcript_id
        and chunk.cut = video.published_chunk_cut)
    or (
        chunk.transcript_id = video.staged_transcript_id
        and chunk.cut = video.staged_chunk_cut))
  and not exists (
    select from chunk_embeddings as stored
    where stored.generation_id = %(generation_id)s
      and stored.video_id = chunk.video_id
      and stored.text_hash = chunk.text_hash)
""")

# The texts of a few videos, however many there are in all.
SELECT_MISSING = sql.SQL("""
select
    video.id, video.creator_id,
    array_agg(text.text_hash order by text.text_hash) as text_hashes,
    array_agg(text.chunk_text order by text.text_hash) as texts
from (
    select id, creator_id, published_transcript_id, published_chunk_cut,
        staged_transcript_id, staged_chunk_cut
    from videos as video
    where (%(after)s::uuid is null or id > %(after)s) and exists (select {lacking})
    order by id
    limit %(limit)s
) as video
cross join lateral (
    select distinct on (chunk.text_hash) chunk.text_hash, chunk.chunk_text {lacking}
) as text
group by video.id, video.creator_id
order by video.id
""").format(lacking=LACKING)

IS_COMPLETE = sql.SQL("""
select not exists (select from videos as video where exists (select {lacking}))
""").format(lacking=LACKING)

HAS_VIDEO = "select exists (select from videos where id = %(video_id)s)"

# Whoever asks which generation to write to waits, and gets the new one.
LOCK_GENERATIONS = "lock table embedding_generations in exclusive mode"

# Whoever comes after waits as long.
STAND_ASIDE = "set local lock_timeout = '100ms'"

# Nobody goes back to it from here on.
RETIRE = """
update embedding_generations
set status = 'retired', retired_at = coalesce(retired_at, now()), activated_at = null
where id = %(id)s and status <> 'active'
"""

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
        """The model's generation; made, as `building`, when there is none.

        Raises `TransientError` when somebody writes videos for minutes, and `Conflict`
        while its vectors are being dropped.
        """
        for attempt in _patiently(TransientError):
            with attempt, self._database.transaction() as connection:
                connection.execute(STAND_ASIDE)
                if insert_generation(connection, model, GenerationStatus.BUILDING):
                    create_partition(connection, model.generation_id, model.dimensions)
                elif not self._is_whole(connection, model.generation_id):
                    raise Conflict(
                        f"the vectors of {model.model} are being dropped: "
                        f"`mentora reembed --drop {model.model}:{model.dimensions}` "
                        "ends that"
                    )
        return next(g for g in self.generations() if g.id == model.generation_id)

    @staticmethod
    def _is_whole(connection: Connection, generation_id: UUID) -> bool:
        part = {"part": partition_name(generation_id)}
        state = connection.execute(DETACH_STATE, part).fetchone()
        return state is not None and not state[0]

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

    def has_video(self, video_id: UUID) -> bool:
        """Whether a video is still there."""
        with self._database.transaction() as connection:
            row = connection.execute(HAS_VIDEO, {"video_id": video_id}).fetchone()
        return row is not None and bool(row[0])

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
        dimensions = generation.model.dimensions
        if dimensions > MAX_DIMENSIONS:
            return
        memory = {"graph_bytes": graph_bytes(generation.vectors, dimensions)}
        with self._database.without_transaction() as connection:
            connection.execute(GIVE_BUILD_MEMORY, memory)
            try:
                _build_index(connection, generation)
            except psycopg.errors.DiskFull:
                # Of the memory that workers share, of which a container has 64 MB.
                connection.execute("set max_parallel_maintenance_workers = 0")
                _build_index(connection, generation)

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
            row = connection.execute(
                IS_COMPLETE, {"generation_id": generation_id}
            ).fetchone()
            if row is None or not row[0]:
                return False
            connection.execute(RETIRE_ACTIVE, {"generation_id": generation_id})
            connection.execute(ACTIVATE, {"generation_id": generation_id})
        return True

    def drop_generation(self, generation: Generation) -> None:
        """Delete a generation with its vectors, which are a table.

        Step by step, each of which leaves what the next call goes on with. Searches
        that name it meanwhile find by words alone. Raises `Conflict` when it is active
        and `TransientError` when somebody reads videos for minutes.
        """
        name = partition_name(generation.id)
        part = sql.Identifier(name)
        with self._database.without_transaction() as connection:
            if not connection.execute(RETIRE, {"id": generation.id}).rowcount:
                if generation.id in {known.id for known in self.generations()}:
                    raise Conflict(f"{generation.model.model} is what is searched")
                return
            state = connection.execute(DETACH_STATE, {"part": name}).fetchone()
            if state is not None:
                how = sql.SQL("finalize" if state[0] else "concurrently")
                connection.execute(
                    sql.SQL(
                        "alter table chunk_embeddings detach partition {} {}"
                    ).format(part, how)
                )
            # Its foreign key to videos goes with it, for which all who read them wait.
            connection.execute("set lock_timeout = '100ms'")
            for attempt in _patiently(psycopg.errors.LockNotAvailable):
                with attempt:
                    connection.execute(sql.SQL("drop table if exists {}").format(part))
            connection.execute(
                "delete from embedding_generations where id = %(id)s",
                {"id": generation.id},
            )


def _build_index(connection: Connection, generation: Generation) -> None:
    part = partition_name(generation.id)
    name = f"{part}_hnsw"
    found: dict[str, bool] = dict(
        connection.execute(SELECT_VECTOR_INDEXES, {"part": part}).fetchall()
    )
    for index, is_valid in found.items():
        if not is_valid:
            connection.execute(
                sql.SQL("drop index concurrently {}").format(sql.Identifier(index))
            )
    if found.get(name):
        connection.execute(
            sql.SQL("reindex index concurrently {}").format(sql.Identifier(name))
        )
    else:
        connection.execute(
            create_index_statement(generation.id, generation.model.dimensions, name)
        )
    connection.execute(sql.SQL("analyze {}").format(sql.Identifier(part)))


def _patiently(awaited: type[Exception]) -> "Retrying":
    """Tries again for some minutes while a lock is held; raises what is awaited last.

    Each try waits for the lock for a moment alone: who comes after it waits too.
    """
    from tenacity import (
        Retrying,
        retry_if_exception_type,
        stop_after_delay,
        wait_random,
    )

    return Retrying(
        retry=retry_if_exception_type(awaited),
        stop=stop_after_delay(LOCK_PATIENCE_S),
        wait=wait_random(0.5, 1.5),
        reraise=True,
    )
