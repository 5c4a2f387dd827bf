"""Each night, when nobody waits for it, the outbox forgets what is handled."""

import dagster as dg

from assets.operations.event_retention import event_retention_job

event_retention_schedule = dg.ScheduleDefinition(
    name="event_retention_schedule",
    job=event_retention_job,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
