"""The cache follows what changed in the database."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.triggers import watched
from mentora_pipelines.domain.caching.cache import CacheInvalidator
from mentora_pipelines.domain.events.changes import follow_changes
from mentora_pipelines.domain.events.outbox import EventOutbox

QUIET_S = 5
"""Seconds between two looks: Dagster's own sensor loop is no faster."""


@dg.sensor(
    minimum_interval_seconds=QUIET_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Removes cached copies of the rows that database triggers say have changed."
    ),
    tags=team(OPERATIONS),
)
@watched
def changed_rows(
    context: dg.SensorEvaluationContext,
    outbox: dg.ResourceParam[EventOutbox],
    cache: dg.ResourceParam[CacheInvalidator],
) -> dg.SkipReason:
    """Removes cached copies of the rows that database triggers say have changed."""
    followed = follow_changes(outbox, cache)
    for event_id, reason in followed.buried:
        context.log.warning("change %s is parked: %s", event_id, reason)
    return dg.SkipReason(
        f"{followed.changes} changes followed, {followed.entries} cached copies removed"
    )
