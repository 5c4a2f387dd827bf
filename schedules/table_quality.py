"""Each night, after the day was counted, every table is looked at."""

import dagster as dg

from assets.analytics.table_quality import table_quality_job
from assets.cockpit import ANALYTICS, team
from assets.triggers import checked_in


@dg.schedule(
    job=table_quality_job,
    # After the metrics (02:00), the looks at videos (03:00) and the outbox (04:30).
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Looks at what is new in each table, and at a slice of the rest.",
    tags=team(ANALYTICS),
)
@checked_in
def table_quality_schedule() -> dg.RunRequest:
    """One run a night."""
    return dg.RunRequest()
