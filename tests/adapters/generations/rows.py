"""Published chunks without vectors, and models that make them."""

import psycopg

from mentora_pipelines.adapters.postgres.search.generation_builds import (
    GenerationBuildRows,
)
from mentora_pipelines.domain.generations.building import build_generation
from mentora_pipelines.domain.generations.generations import Generation, generation_now
from mentora_pipelines.domain.generations.swapping import swap_generation
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.domain.search_quality import SearchFigures
from mentora_pipelines.services import DatabaseUrls
from tests.hash_models import HashModel

FEW, MANY = 10, 100
"""Videos: most of what can go wrong does with a thousand chunks."""

CHUNKS = 100
"""Of each video."""

FILL = """
insert into videos (id, creator_id, title, storage_key, upload_etag)
select gen_random_uuid(), creator.id, 'Lesson ' || number, 'uploads/' || number, '1'
from generate_series(%(first)s::int, %(last)s::int) as number
join (select id, row_number() over () as place from creators) as creator
    on creator.place = number %% 5 + 1;
insert into transcripts (
    id, video_id, creator_id, source_hash, fingerprint, origin, language, duration_s,
    word_count, full_text, segments)
select gen_random_uuid(), id, creator_id, 'a', 'test', 'recognised', 'en', 1000, 1,
    'text', '[]'
from videos where published_transcript_id is null;
update videos set published_transcript_id = transcripts.id,
    processing_status = 'completed'
from transcripts
where transcripts.video_id = videos.id and videos.published_transcript_id is null;
insert into transcript_chunks (
    id, transcript_id, video_id, creator_id, chunk_index, chunk_text, text_hash, tsv,
    token_count, start_timestamp, end_timestamp)
select gen_random_uuid(), id, video_id, creator_id, place,
    'part ' || place || ' of ' || video_id, encode(sha256(
        convert_to('part ' || place || ' of ' || video_id, 'UTF8')), 'hex'),
    case when place = 7 then to_tsvector('english', 'part 7') else '' end,
    5, place * 10, place * 10 + 10
from transcripts, generate_series(0, %(chunks)s - 1) as place
where not exists (
    select from transcript_chunks where transcript_id = transcripts.id);
analyze
"""

OLD = HashModel("old", 24)

NEW = HashModel("new", 16)


def fill(urls: DatabaseUrls, first: int, last: int) -> None:
    """Add videos with published chunks that nobody has embedded."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        for statement in FILL.split(";\n"):
            values = {"first": first, "last": last, "chunks": CHUNKS}
            connection.execute(statement, values)


def unjudged(model: EmbeddingModel) -> SearchFigures | None:
    """A golden set that nobody can ask these models about."""
    assert model
    return None


def swapped_in(model: HashModel, store: GenerationBuildRows) -> Generation:
    """Build a model's generation and search it."""
    generation = store.begin_generation(model.model)
    build_generation(generation.id, embedder=model, store=store)
    swap_generation(
        generation_now(generation.id, store),
        embedder=model,
        store=store,
        judge=unjudged,
    )
    return generation_now(generation.id, store)


def count_of(urls: DatabaseUrls, statement: str, **values: object) -> int:
    """One number."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        row = connection.execute(statement, values).fetchone()
    assert row is not None
    return int(row[0])
