"""The fast path of uploads: what the bucket itself tells."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.triggers import watched
from mentora_pipelines.domain.storage import ObjectStorage, shown_key
from mentora_pipelines.domain.upload_notices import (
    NoticeCatalogue,
    UploadNotices,
    take_notices,
)

QUIET_S = 5
"""Seconds between two looks: Dagster's own sensor loop is no faster."""


@dg.sensor(
    minimum_interval_seconds=QUIET_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Registers the uploads that notices of the bucket name.",
    tags=team(OPERATIONS),
)
@watched
def announced_uploads(
    context: dg.SensorEvaluationContext,
    notices: dg.ResourceParam[UploadNotices],
    storage: dg.ResourceParam[ObjectStorage],
    catalogue: dg.ResourceParam[NoticeCatalogue],
) -> dg.SkipReason:
    """Registers the uploads that notices of the bucket name.

    A notice leaves the queue when its event is written. What is lost on the way is
    found by `new_uploads`, which lists.
    """
    look = take_notices(notices, storage, catalogue)
    for key, reason in look.refused:
        context.log.warning("notice of %s is refused: %s", shown_key(key), reason)
    if not (look.taken or look.deferred):
        return dg.SkipReason("nothing was announced")
    return dg.SkipReason(
        f"{look.taken} notices taken, {look.registered} uploads registered, "
        f"{len(look.refused)} refused, {look.deferred} come again"
    )
