"""The chunks of a lesson."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.transcripts import transcripts
from assets.partitions import videos
from mentora_pipelines.domain.lessons.chunks import TokenCounter, chunk_lesson
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)
from mentora_pipelines.domain.lessons.transcripts import staged_transcript


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    deps=[transcripts],
    retry_policy=RETRY_POLICY,
    kinds={"postgres"},
    owners=[LESSONS],
    metadata=table_metadata("chunks"),
)
def chunks(
    context: dg.AssetExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
    embedder: dg.ResourceParam[TokenCounter],
) -> dg.MaterializeResult[None]:
    """Whole sentences packed into stretches that mean something on their own."""
    with lesson_step(context, catalogue, lessons) as video:
        transcript = staged_transcript(video, lessons)
        figures = chunk_lesson(transcript, video, counter=embedder, store=lessons)
    return dg.MaterializeResult(
        metadata={
            "chunks": len(figures.chunks),
            "rows_written": figures.written,
            "tokens": sum(chunk.token_count for chunk in figures.chunks),
        }
    )
