"""The vectors of a lesson."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.chunks import chunks as chunks_asset
from assets.partitions import videos
from mentora_pipelines.domain.lessons.embeddings import (
    Embedder,
    NextEmbedders,
    embed_missing,
)
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)
from mentora_pipelines.errors import MentoraError


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
    next_embedders: dg.ResourceParam[NextEmbedders],
) -> dg.MaterializeResult[None]:
    """The vector of each chunk's text; a text that has one is not embedded again.

    While another model's vectors are being made, the lesson's are made too.
    """
    with lesson_step(context, catalogue, lessons) as video:
        chunks = lessons.staged_chunks(video)
        active = catalogue.active_model()
        if active is not None and active != embedder.model:
            # Another one was swapped in while the lesson was heard.
            embedder = next_embedders.of(active)
        figures = embed_missing(
            video, chunks, embedder=embedder, generations=catalogue, store=lessons
        )
        for model in catalogue.building_models():
            try:
                embed_missing(
                    video,
                    chunks,
                    embedder=next_embedders.of(model),
                    generations=catalogue,
                    store=lessons,
                )
            except MentoraError as error:
                # No lesson waits for vectors that nobody searches yet; the build does.
                context.log.warning("not embedded by %s: %s", model.model, error)
    return dg.MaterializeResult(
        metadata={
            "chunks": figures.chunks,
            "embedded": figures.embedded,
            "embedding_calls": figures.calls,
        }
    )
