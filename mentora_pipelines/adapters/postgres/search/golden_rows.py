"""The golden set in a database, for as long as one transaction lasts.

Its rows go through the real tables, indexes and `match_video_chunks`, and are rolled
back: no reader sees them, and no creator's row is touched. Not here: the texts, or the
judgement.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.adapters.postgres.search.generations import (
    create_partition,
    insert_generation,
)
from mentora_pipelines.adapters.postgres.search.search import (
    explain_plan,
    find_passages,
)
from mentora_pipelines.domain.caching.embeddings import TextModel
from mentora_pipelines.domain.generations.generations import GenerationStatus
from mentora_pipelines.domain.lessons.chunks import Chunk, pack_segments
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.search import SearchHit, SearchPlan, SearchRequest
from mentora_pipelines.domain.search_quality import GoldenLesson

INSERT_CREATOR = """
insert into creators (id, email) values (%(id)s, %(id)s::text || '@golden-set.invalid')
"""

INSERT_LESSON = """
with video as (
    insert into videos (
        id, creator_id, title, storage_key, upload_etag, processing_status,
        published_transcript_id)
    values (
        %(video_id)s, %(creator_id)s, %(title)s, 'golden-set/' || %(video_id)s::text,
        'golden', 'completed', %(transcript_id)s)
)
insert into transcripts (
    id, video_id, creator_id, source_hash, fingerprint, origin, language, duration_s,
    word_count, full_text, segments)
values (
    %(transcript_id)s, %(video_id)s, %(creator_id)s, 'golden', 'golden', 'recognised',
    %(language)s, %(duration_s)s, %(word_count)s, %(text)s, '[]')
"""

INSERT_CHUNK = """
insert into transcript_chunks (
    id, transcript_id, video_id, creator_id, chunk_index, chunk_text, text_hash, tsv,
    token_count, start_timestamp, end_timestamp)
values (
    %(id)s, %(transcript_id)s, %(video_id)s, %(creator_id)s, %(chunk_index)s,
    %(text)s, %(text_hash)s,
    to_tsvector(search_configuration(%(language)s), %(text)s), %(token_count)s,
    %(start_s)s, %(end_s)s)
"""

INSERT_VECTOR = """
insert into chunk_embeddings (
    generation_id, video_id, text_hash, creator_id, embedding)
values (%(generation_id)s, %(video_id)s, %(text_hash)s, %(creator_id)s, %(vector)s)
"""

SELECT_GENERATION = "select from embedding_generations where id = %(id)s"


@dataclass(frozen=True, slots=True)
class GoldenIndex:
    """Satisfies `SearchIndex` while its transaction is open; `creator_id` owns it."""

    connection: Connection
    creator_id: UUID

    def search(self, request: SearchRequest) -> list[SearchHit]:
        """At most `limit` hits, best first."""
        return find_passages(self.connection, request)

    def search_plan(self, request: SearchRequest) -> SearchPlan:
        """How the vectors of the request would be searched."""
        return explain_plan(self.connection, request)


@contextmanager
def golden_index(
    database: Database, lessons: Sequence[GoldenLesson], embedder: TextModel
) -> Iterator[GoldenIndex]:
    """An index of the lessons, chunked and embedded as real ones; gone afterwards.

    `database` is of the admin role. Where the model has no generation yet, one is made
    too, and nobody else searches or writes vectors until the end.
    """
    # Before the transaction, which should be short.
    cut = [_chunks(lesson, embedder) for lesson in lessons]
    vectors = iter(embedder.embed([c.text for chunks in cut for c in chunks]))
    with (
        database.transaction() as connection,
        connection.transaction(force_rollback=True),
    ):
        _have_generation(connection, embedder.model)
        ids = _ids()
        creator_id = next(ids)
        connection.execute(INSERT_CREATOR, {"id": creator_id})
        for lesson, chunks in zip(lessons, cut, strict=True):
            rows = _rows(lesson, chunks, creator_id, embedder.model, ids)
            for row in rows:
                row["vector"] = next(vectors)
            connection.execute(INSERT_LESSON, _lesson(lesson, rows[0]))
            with connection.cursor() as cursor:
                cursor.executemany(INSERT_CHUNK, rows)
                cursor.executemany(INSERT_VECTOR, rows)
        yield GoldenIndex(connection, creator_id)


def _ids() -> Iterator[UUID]:
    """Ids that nobody has, in the same order each time: equal hits are shown by id."""
    first = uuid4().int & ~0xFFFFFFFF
    return (UUID(int=first + number) for number in itertools.count())


def _chunks(lesson: GoldenLesson, embedder: TextModel) -> list[Chunk]:
    return pack_segments(
        lesson.segments,
        embedder.count_tokens([segment.text for segment in lesson.segments]),
        embedder.max_tokens,
    )


def _have_generation(connection: Connection, model: EmbeddingModel) -> None:
    # An INSERT that inserts nothing would still hold up a swap until the end.
    if connection.execute(SELECT_GENERATION, {"id": model.generation_id}).rowcount:
        return
    if insert_generation(connection, model, GenerationStatus.BUILDING):
        create_partition(connection, model.generation_id, model.dimensions)


def _rows(
    lesson: GoldenLesson,
    chunks: Sequence[Chunk],
    creator_id: UUID,
    model: EmbeddingModel,
    ids: Iterator[UUID],
) -> list[dict[str, object]]:
    video_id, transcript_id = next(ids), next(ids)
    return [
        {
            "id": next(ids),
            "generation_id": model.generation_id,
            "creator_id": creator_id,
            "video_id": video_id,
            "transcript_id": transcript_id,
            "language": lesson.language,
            "chunk_index": chunk.index,
            "text": chunk.text,
            "text_hash": chunk.text_hash,
            "token_count": chunk.token_count,
            "start_s": chunk.start_s,
            "end_s": chunk.end_s,
        }
        for chunk in chunks
    ]


def _lesson(lesson: GoldenLesson, row: dict[str, object]) -> dict[str, object]:
    return {
        **row,
        "title": lesson.title,
        "duration_s": lesson.segments[-1].end_s,
        "word_count": sum(len(segment.words) for segment in lesson.segments),
        "text": "\n".join(segment.text for segment in lesson.segments),
    }
