"""A run for each upload that is new or has other bytes."""

from datetime import UTC, datetime

import dagster as dg

from assets.jobs import lesson_job, lesson_selection, lesson_tags
from assets.partitions import videos
from mentora_pipelines.domain.storage import ObjectStorage, shown_key
from mentora_pipelines.domain.uploads import (
    UploadCatalogue,
    look_for_uploads,
    run_key_of,
)
from mentora_pipelines.settings import QuizSettings

QUIET_S = 5
"""Seconds between two looks: Dagster's own sensor loop is no faster."""


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
        context.log.warning("upload %s is left alone: %s", shown_key(key), reason)
    with_quiz = QuizSettings().auto_generate
    requests = [
        dg.RunRequest(
            run_key=run_key_of(video),
            partition_key=str(video.id),
            tags=lesson_tags(video),
            asset_selection=lesson_selection(with_quiz=with_quiz),
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
