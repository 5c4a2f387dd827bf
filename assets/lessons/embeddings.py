"""The vectors of a lesson."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.chunks import chunks as chunks_asset
from assets.partitions import videos
from mentora_pipelines.domain.lessons.embeddings import (
    Embedder,
    Embedders,
    embed_lesson,
)
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    deps=[chunks_asset],
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
    embedders: dg.ResourceParam[Embedders],
) -> dg.MaterializeResult[None]:
    """The vector of each chunk's text; a text that has one is not embedded again.

    While another model's vectors are being made, the lesson's are made too.
    """
    with lesson_step(context, catalogue, lessons) as video:
        chunks = lessons.staged_chunks(video)
        figures = embed_lesson(
            video,
            chunks,
            embedder=embedder,
            embedders=embedders,
            generations=catalogue,
            store=lessons,
        )
    for sentence in figures.put_off:
        context.log.warning(sentence)
    return dg.MaterializeResult(
        metadata={
            "chunks": figures.chunks,
            "embedded": figures.embedded,
            "embedding_calls": figures.calls,
        }
    )
