"""The vectors of a lesson."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.chunks import chunks
from assets.partitions import videos
from mentora_pipelines.domain.lessons.embeddings import (
    Embedder,
    embed_missing,
)
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    deps=[chunks],
    retry_policy=RETRY_POLICY,
    kinds={"pgvector"},
    pool="embedding",
    owners=[LESSONS],
    metadata=table_metadata("embeddings"),
)
def embeddings(
    context: dg.AssetExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
    embedder: dg.ResourceParam[Embedder],
) -> dg.MaterializeResult[None]:
    """The vector of each chunk's text; a text that has one is not embedded again."""
    with lesson_step(context, catalogue, lessons) as video:
        figures = embed_missing(
            video,
            lessons.staged_chunks(video),
            embedder=embedder,
            generations=catalogue,
            store=lessons,
        )
    return dg.MaterializeResult(
        metadata={
            "chunks": figures.chunks,
            "embedded": figures.embedded,
            "embedding_calls": figures.calls,
        }
    )
