"""Each Sunday, when few students watch, every lesson's video is asked for."""

from datetime import timedelta

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.operations.content_health import content_health_job
from assets.partitions import health_weeks
from assets.triggers import checked_in


@dg.schedule(
    job=content_health_job,
    cron_schedule="0 3 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Asks for the video of every completed lesson.",
    tags=team(OPERATIONS),
)
@checked_in
def content_health_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The week that ends with this tick."""
    before = context.scheduled_execution_time - timedelta(weeks=1)
    week = health_weeks.get_partition_key_for_timestamp(before.timestamp())
    return dg.RunRequest(run_key=week, partition_key=week)
