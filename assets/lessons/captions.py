"""The captions of a lesson."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.transcripts import transcripts
from assets.partitions import videos
from mentora_pipelines.domain.lessons.caption_review import Breach
from mentora_pipelines.domain.lessons.captions import caption_lesson
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)
from mentora_pipelines.domain.lessons.transcripts import staged_transcript
from mentora_pipelines.domain.storage import ObjectStorage


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    deps=[transcripts],
    retry_policy=RETRY_POLICY,
    kinds={"webvtt"},
    owners=[LESSONS],
    metadata=table_metadata("captions"),
)
def captions(
    context: dg.AssetExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
    storage: dg.ResourceParam[ObjectStorage],
) -> dg.MaterializeResult[None]:
    """Cues that keep a reviewer's rules, in the store and as a WebVTT file."""
    with lesson_step(context, catalogue, lessons) as video:
        transcript = staged_transcript(video, lessons)
        figures = caption_lesson(transcript, video, storage=storage, store=lessons)
    review = figures.review
    return dg.MaterializeResult(
        metadata={
            "cues": review.cues,
            "cues_above_reading_speed": review.count(Breach.FAST_CUE),
            "fastest_characters_per_s": review.fastest,
            "faults": len(review.faults),
            "written": figures.written,
            "storage_key": figures.track.storage_key,
        }
    )
