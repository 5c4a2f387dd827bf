"""Every night at 01:30 UTC: of the one night in a month a daemon could miss it."""

import dagster as dg

from assets.analytics.jobs import event_partitions_job

event_partitions_schedule = dg.ScheduleDefinition(
    name="event_partitions_schedule",
    job=event_partitions_job,
    cron_schedule="30 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
