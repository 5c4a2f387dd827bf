"""Every night at 03:00 UTC: an hour is enough to count a day, with its retries."""

import dagster as dg

from assets.analytics.jobs import metrics_freshness_job
from assets.cockpit import ANALYTICS, team
from assets.triggers import checked_in


@dg.schedule(
    job=metrics_freshness_job,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Asks whether yesterday's metrics are there.",
    tags=team(ANALYTICS),
)
@checked_in
def metrics_freshness_schedule() -> dg.RunRequest:
    """One look a night."""
    return dg.RunRequest()
