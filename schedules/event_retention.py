"""Each night, when nobody waits for it, the outbox forgets what is handled."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.operations.event_retention import event_retention_job
from assets.triggers import checked_in


@dg.schedule(
    job=event_retention_job,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Forgets events that were handled long ago.",
    tags=team(OPERATIONS),
)
@checked_in
def event_retention_schedule() -> dg.RunRequest:
    """One run a night."""
    return dg.RunRequest()
