"""The sound of a lesson."""

from dataclasses import asdict

import dagster as dg

from assets.cockpit import LESSONS
from assets.failures import RETRY_POLICY, lesson_step
from assets.partitions import videos
from mentora_pipelines.domain.lessons.audio import (
    MediaDecoder,
    extract_audio,
)
from mentora_pipelines.domain.lessons.lesson_store import (
    LessonCatalogue,
    LessonStore,
)
from mentora_pipelines.domain.storage import ObjectStorage


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    retry_policy=RETRY_POLICY,
    kinds={"flac"},
    pool="decoding",
    owners=[LESSONS],
)
def audio(
    context: dg.AssetExecutionContext,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[LessonStore],
    storage: dg.ResourceParam[ObjectStorage],
    decoder: dg.ResourceParam[MediaDecoder],
) -> dg.MaterializeResult[None]:
    """The sound of the newest upload as 16 kHz mono FLAC, decoded once per bytes."""
    with lesson_step(context, catalogue, lessons) as video:
        figures = extract_audio(
            video, storage=storage, decoder=decoder, store=lessons, status=lessons
        )
    return dg.MaterializeResult(
        metadata={
            "duration_s": figures.duration_s,
            "upload_bytes": figures.source_bytes,
            "decoded": figures.decoded,
            "audio_key": figures.audio_key,
            # Known only of what was decoded here.
            **({} if figures.facts is None else asdict(figures.facts)),
        }
    )
