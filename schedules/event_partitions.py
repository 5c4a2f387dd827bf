"""Every night at 01:30 UTC: of the one night in a month a daemon could miss it."""

import dagster as dg

from assets.analytics.jobs import event_partitions_job
from assets.cockpit import ANALYTICS, team
from assets.triggers import checked_in


@dg.schedule(
    job=event_partitions_job,
    cron_schedule="30 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Makes the months of the analytics events ahead, and puts old ones away."
    ),
    tags=team(ANALYTICS),
)
@checked_in
def event_partitions_schedule() -> dg.RunRequest:
    """The months of the analytics events."""
    return dg.RunRequest()
