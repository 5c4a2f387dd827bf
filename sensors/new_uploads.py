"""An event for each upload that is new or has other bytes."""

from datetime import UTC, datetime

import dagster as dg

from assets.cockpit import LESSONS, team
from assets.triggers import watched
from mentora_pipelines.domain.storage import ObjectStorage, shown_key
from mentora_pipelines.domain.upload_looks import UploadCursor, look_for_uploads
from mentora_pipelines.domain.uploads import UploadCatalogue

QUIET_S = 5
"""Seconds between two looks: Dagster's own sensor loop is no faster."""


@dg.sensor(
    minimum_interval_seconds=QUIET_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Looks at a page of the uploads and at the newest days, and registers new ones."
    ),
    tags=team(LESSONS),
)
@watched
def new_uploads(
    context: dg.SensorEvaluationContext,
    storage: dg.ResourceParam[ObjectStorage],
    catalogue: dg.ResourceParam[UploadCatalogue],
) -> dg.SensorResult | dg.SkipReason:
    """Looks at a page of the uploads and at the newest days, and registers new ones.

    Registering writes the event `video/upload.completed`, which `due_events` consumes:
    an upload whose event or notice was lost is found here. Each tick says how many keys
    it has looked at, in how many requests. A key that can be none is named once.
    """
    before = UploadCursor.parse(context.cursor)
    look = look_for_uploads(storage, catalogue, cursor=before, now=datetime.now(UTC))
    for key, reason in look.malformed:
        context.log.warning("upload %s is left alone: %s", shown_key(key), reason)
    cost = f"{look.keys} keys in {look.listings} requests"
    if not look.due and look.cursor == before:
        return dg.SkipReason(f"no new upload: {cost}")
    return dg.SensorResult(
        skip_reason=f"{len(look.due)} uploads registered: {cost}",
        cursor=str(look.cursor),
    )
