"""Each night, when few lessons are at work, what nobody names is removed."""

import dagster as dg

from assets.operations.orphaned_objects import orphaned_objects_job

orphaned_objects_schedule = dg.ScheduleDefinition(
    name="orphaned_objects_schedule",
    job=orphaned_objects_job,
    cron_schedule="15 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
