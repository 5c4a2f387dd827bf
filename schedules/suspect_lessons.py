"""Each night what failed is asked for again, so that its creator is told in days."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.operations.content_health import suspect_lessons_job
from assets.triggers import checked_in


@dg.schedule(
    job=suspect_lessons_job,
    # Half an hour after the weekly look has begun; what that has seen is left out.
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Asks again for the videos that failed when they were last asked for."
    ),
    tags=team(OPERATIONS),
)
@checked_in
def suspect_lessons_schedule() -> dg.RunRequest:
    """One look a night."""
    return dg.RunRequest()
