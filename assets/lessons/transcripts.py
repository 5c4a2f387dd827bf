"""The words of a lesson."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.audio import audio
from assets.partitions import videos
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)
from mentora_pipelines.domain.lessons.recognition import (
    Transcriber,
    transcribe_lesson,
)
from mentora_pipelines.domain.storage import ObjectStorage


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    deps=[audio],
    retry_policy=RETRY_POLICY,
    kinds={"whisper", "postgres"},
    pool="recognition",
    owners=[LESSONS],
    metadata=table_metadata("transcripts"),
)
def transcripts(
    context: dg.AssetExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
    storage: dg.ResourceParam[ObjectStorage],
    transcriber: dg.ResourceParam[Transcriber],
) -> dg.MaterializeResult[None]:
    """The words of the lesson, each with its time, as a new transcript version."""
    with lesson_step(context, catalogue, lessons) as video:
        figures = transcribe_lesson(
            video,
            storage=storage,
            transcriber=transcriber,
            store=lessons,
            status=lessons,
        )
    return dg.MaterializeResult(metadata=figures.as_plain())
