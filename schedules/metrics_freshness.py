"""Every night at 03:00 UTC: an hour is enough to count a day, with its retries."""

import dagster as dg

from assets.analytics.jobs import metrics_freshness_job

metrics_freshness_schedule = dg.ScheduleDefinition(
    name="metrics_freshness_schedule",
    job=metrics_freshness_job,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
