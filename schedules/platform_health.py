"""Every ten minutes: two looks in a row that agree are a notice within twenty."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.operations.platform_health import platform_health_job
from assets.triggers import checked_in


@dg.schedule(
    job=platform_health_job,
    # A run costs some five seconds of a core, nearly all of it to start.
    cron_schedule="*/10 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Looks at every part of the platform.",
    tags=team(OPERATIONS),
)
@checked_in
def platform_health_schedule() -> dg.RunRequest:
    """One look."""
    return dg.RunRequest()
