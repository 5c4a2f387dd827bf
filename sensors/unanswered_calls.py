"""Calls to providers whose process died do not stay open for ever."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.triggers import watched
from mentora_pipelines.domain.spending.usage import PATIENCE, UnansweredCalls

LOOK_S = 600
"""Seconds between two looks: an open call counts at its bound, so nothing is urgent."""


@dg.sensor(
    minimum_interval_seconds=LOOK_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Books calls to providers that nobody will answer any more.",
    tags=team(OPERATIONS),
)
@watched
def unanswered_calls(
    context: dg.SensorEvaluationContext,
    spending: dg.ResourceParam[UnansweredCalls],
) -> dg.SkipReason:
    """Books as failed, at their bound, the calls that nobody will answer any more."""
    given_up = spending.give_up(PATIENCE)
    if given_up:
        context.log.warning("%d calls to providers were never answered", given_up)
    return dg.SkipReason(f"{given_up} calls were given up")
