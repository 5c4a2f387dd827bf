"""Each night, when few lessons are at work, what nobody names is removed."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.operations.orphaned_objects import orphaned_objects_job
from assets.triggers import checked_in


@dg.schedule(
    job=orphaned_objects_job,
    cron_schedule="15 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes objects and vectors that nobody names.",
    tags=team(OPERATIONS),
)
@checked_in
def orphaned_objects_schedule() -> dg.RunRequest:
    """One run a night."""
    return dg.RunRequest()
