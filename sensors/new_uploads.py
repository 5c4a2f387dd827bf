"""A run for each upload that is new or has other bytes."""

from datetime import UTC, datetime

import dagster as dg

from assets.jobs import lesson_job
from assets.partitions import videos
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.uploads import (
    UploadCatalogue,
    look_for_uploads,
    run_key_of,
)
from mentora_pipelines.settings import QuizSettings

QUIET_S = 5
"""Seconds between two looks: Dagster's own sensor loop is no faster."""

CREATOR_TAG = "mentora/creator"
VIDEO_TAG = "mentora/video"
"""The queue limits runs per value of these (see dagster.yaml)."""


@dg.sensor(
    job=lesson_job,
    minimum_interval_seconds=QUIET_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def new_uploads(
    context: dg.SensorEvaluationContext,
    storage: dg.ResourceParam[ObjectStorage],
    catalogue: dg.ResourceParam[UploadCatalogue],
) -> dg.SensorResult | dg.SkipReason:
    """Looks at a page of the uploads and at the newest days, and asks for runs."""
    look = look_for_uploads(
        storage, catalogue, cursor=context.cursor or "", now=datetime.now(UTC)
    )
    for key, reason in look.malformed:
        context.log.warning("upload %r is left alone: %s", key, reason)
    requests = [
        dg.RunRequest(
            run_key=run_key_of(video),
            partition_key=str(video.id),
            tags={CREATOR_TAG: str(video.creator_id), VIDEO_TAG: str(video.id)},
            asset_selection=_selection(),
        )
        for video in look.due
    ]
    if not requests and look.cursor == (context.cursor or ""):
        return dg.SkipReason("no new upload")
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=[
            videos.build_add_request(sorted({str(video.id) for video in look.due}))
        ],
        cursor=look.cursor,
    )


def _selection() -> list[dg.AssetKey] | None:
    """All of the job, or all but the quiz when quizzes come on request only."""
    if QuizSettings().auto_generate:
        return None
    return [dg.AssetKey(name) for name in LESSON_WITHOUT_QUIZ]


LESSON_WITHOUT_QUIZ = (
    "audio",
    "transcripts",
    "captions",
    "chunks",
    "embeddings",
    "published_lessons",
)
