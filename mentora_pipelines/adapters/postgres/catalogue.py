"""What is looked up or made across creators, as the admin role."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.domain.identity import (
    creator_id_of,
    event_id_of,
    video_id_of,
)
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.search import SearchHit, SearchScope
from mentora_pipelines.domain.storage import StoredObject
from mentora_pipelines.domain.uploads import KnownUpload, UploadKey, run_key_of
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode, NotFound, PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UPLOAD_COMPLETED = "video/upload.completed"

SELECT_VIDEOS = """
select
    video.id, video.creator_id, creator.email as creator_email, video.title,
    video.storage_key, video.upload_etag, video.source_etag, video.source_hash,
    video.audio_key, video.duration_s, video.processing_status, video.error_code,
    video.error_message, video.staged_transcript_id, video.published_transcript_id,
    video.created_at, video.processed_at
from videos as video
join creators as creator on creator.id = video.creator_id
"""

BY_ID = SELECT_VIDEOS + "where video.id = %(video_id)s"

BY_STORAGE_KEY = SELECT_VIDEOS + "where video.storage_key = %(storage_key)s"

BY_STATUS = (
    SELECT_VIDEOS
    + """
where (%(statuses)s::text[] is null or video.processing_status = any(%(statuses)s))
order by video.created_at, video.id
limit %(limit)s
"""
)

SELECT_KNOWN = """
select storage_key, upload_etag, processing_status
from videos
where storage_key = any(%(keys)s)
"""

INSERT_CREATOR = """
insert into creators (id, email) values (%(creator_id)s, %(email)s)
on conflict do nothing
"""

SELECT_CREATOR = """
select id from creators
where id = %(creator_id)s or lower(email) = %(email)s
"""

UPSERT_VIDEO = """
insert into videos (id, creator_id, title, storage_key, upload_etag)
values (%(video_id)s, %(creator_id)s, %(title)s, %(storage_key)s, %(etag)s)
on conflict (storage_key) do update
set upload_etag = excluded.upload_etag,
    processing_status = 'pending',
    error_code = null,
    error_message = null
where videos.upload_etag <> excluded.upload_etag
"""

INSERT_EVENT = """
insert into events (id, name, schema_version, deduplication_key, creator_id, payload)
values (%(id)s, %(name)s, 1, %(deduplication_key)s, %(creator_id)s, %(payload)s)
on conflict do nothing
"""

SELECT_GENERATIONS = """
select id, provider, model, dimensions
from embedding_generations
where status = 'active' or id = %(generation_id)s
order by (id = %(generation_id)s) desc
"""

INSERT_GENERATION = """
insert into embedding_generations (id, provider, model, dimensions, status)
values (%(generation_id)s, %(provider)s, %(model)s, %(dimensions)s, 'active')
on conflict do nothing
"""

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


class PostgresCatalogue:
    """Satisfies the ports that cross creators: catalogue, generations, search."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def video(self, video_id: UUID) -> Video:
        """The video; raises `NotFound`."""
        with self._database.transaction() as connection:
            rows = _videos(connection, BY_ID, {"video_id": video_id})
        if not rows:
            raise NotFound(f"there is no video {video_id}")
        return rows[0]

    def find_by_storage_key(self, storage_key: str) -> Video | None:
        """The video uploaded under a key, or None."""
        with self._database.transaction() as connection:
            rows = _videos(connection, BY_STORAGE_KEY, {"storage_key": storage_key})
        return rows[0] if rows else None

    def videos(
        self, statuses: Sequence[ProcessingStatus] | None = None, limit: int = 1000
    ) -> list[Video]:
        """Videos with one of `statuses` (all when None), oldest first."""
        wanted = None if statuses is None else [status.value for status in statuses]
        with self._database.transaction() as connection:
            return _videos(connection, BY_STATUS, {"statuses": wanted, "limit": limit})

    def creator_id(self, creator: UUID | str) -> UUID:
        """The id of a creator named by id or mail address; raises `NotFound`."""
        with self._database.transaction() as connection:
            found = _creator_id(connection, creator)
        if found is None:
            raise NotFound(f"there is no creator {creator}")
        return found

    def known_uploads(self, keys: Iterable[str]) -> dict[str, KnownUpload]:
        """What is known of those of `keys` that have a video."""
        with self._database.transaction() as connection:
            rows = connection.execute(SELECT_KNOWN, {"keys": list(keys)}).fetchall()
        return {
            key: KnownUpload(etag, ProcessingStatus(status))
            for key, etag, status in rows
        }

    def register_upload(
        self, upload: StoredObject, key: UploadKey, title: str | None = None
    ) -> Video:
        """Make (or find) the creator and the video of an upload; idempotent.

        A video whose bytes changed goes back to `pending`; what readers see stays.
        Raises `NotFound` when the key names a creator's id that does not exist.
        """
        with self._database.transaction() as connection:
            if isinstance(key.creator, str):
                connection.execute(
                    INSERT_CREATOR,
                    {"creator_id": creator_id_of(key.creator), "email": key.creator},
                )
            creator_id = _creator_id(connection, key.creator)
            if creator_id is None:
                raise NotFound(f"there is no creator {key.creator}")
            connection.execute(
                UPSERT_VIDEO,
                {
                    "video_id": video_id_of(upload.key),
                    "creator_id": creator_id,
                    "title": title or key.title,
                    "storage_key": upload.key,
                    "etag": upload.etag,
                },
            )
            video = _videos(connection, BY_STORAGE_KEY, {"storage_key": upload.key})[0]
            run_key = run_key_of(upload)
            connection.execute(
                INSERT_EVENT,
                {
                    "id": event_id_of(UPLOAD_COMPLETED, run_key),
                    "name": UPLOAD_COMPLETED,
                    "deduplication_key": run_key,
                    "creator_id": video.creator_id,
                    "payload": Jsonb(
                        {
                            "videoId": str(video.id),
                            "creatorId": str(video.creator_id),
                            "videoUrl": upload.key,
                            "autoGenerateQuiz": True,
                        }
                    ),
                },
            )
        return video

    def writable_generation(self, model: EmbeddingModel) -> UUID:
        """The generation to write this model's vectors into, made when there is none.

        Raises `PermanentError` when another model's generation is active.
        """
        generation_id = model.generation_id
        parameters = {
            "generation_id": generation_id,
            "provider": model.provider,
            "model": model.model,
            "dimensions": model.dimensions,
        }
        with self._database.transaction() as connection:
            rows = connection.execute(SELECT_GENERATIONS, parameters).fetchall()
            if not rows:
                # Of two first runs the second waits here and inserts nothing.
                if connection.execute(INSERT_GENERATION, parameters).rowcount:
                    _create_partition(connection, generation_id, model.dimensions)
                rows = connection.execute(SELECT_GENERATIONS, parameters).fetchall()
        found, provider, name, dimensions = rows[0]
        if found != generation_id:
            raise PermanentError(
                f"the active vectors are of {provider}/{name} ({dimensions} dimensions)"
                f" and the embedder is {model.provider}/{model.model}: set "
                "MENTORA_EMBEDDER back, the two cannot be searched together"
            )
        return generation_id

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


def _videos(
    connection: Connection, statement: str, parameters: dict[str, Any]
) -> list[Video]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement, parameters).fetchall()
    return [_video(row) for row in rows]


def _video(row: dict[str, Any]) -> Video:
    code = row["error_code"]
    return Video(
        **{
            **row,
            "processing_status": ProcessingStatus(row["processing_status"]),
            "error_code": None if code is None else ErrorCode(code),
        }
    )


def _creator_id(connection: Connection, creator: UUID | str) -> UUID | None:
    row = connection.execute(
        SELECT_CREATOR,
        {
            "creator_id": creator if isinstance(creator, UUID) else None,
            "email": creator if isinstance(creator, str) else None,
        },
    ).fetchone()
    return None if row is None else row[0]


def _create_partition(
    connection: Connection, generation_id: UUID, dimensions: int
) -> None:
    """Make the partition that holds a generation's vectors, all of `dimensions`."""
    connection.execute(
        sql.SQL(
            "create table {partition} partition of chunk_embeddings "
            "(check (vector_dims(embedding) = {dimensions})) "
            "for values in ({generation_id})"
        ).format(
            partition=sql.Identifier(f"chunk_embeddings_{generation_id.hex}"),
            dimensions=sql.Literal(dimensions),
            generation_id=sql.Literal(str(generation_id)),
        )
    )
