"""A run that grants, while unlocked achievements wait."""

import dagster as dg

from assets.cockpit import LESSONS, team
from assets.operations.achievements import unlock_achievements_job
from assets.triggers import watched
from mentora_pipelines.domain.operations.achievements import AchievementLedger
from sensors.drains import drain_run

QUIET_S = 10
"""Seconds between two looks: a student sees the reward within a look and a run."""


@dg.sensor(
    # By name: Dagster copies a sensor that holds a job, and warns about the copy.
    job_name=unlock_achievements_job.name,
    minimum_interval_seconds=QUIET_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for one run when an event is due and none is on its way.",
    tags=team(LESSONS),
)
@watched
def unlocked_achievements(
    context: dg.SensorEvaluationContext,
    achievements: dg.ResourceParam[AchievementLedger],
) -> dg.RunRequest | dg.SkipReason:
    """Asks for one run when an event is due and none is on its way."""
    if not achievements.has_due():
        return dg.SkipReason("no achievement waits")
    return drain_run(context, unlock_achievements_job)
