"""Each night what failed is asked for again, so that its creator is told in days."""

import dagster as dg

from assets.operations.content_health import suspect_lessons_job

suspect_lessons_schedule = dg.ScheduleDefinition(
    name="suspect_lessons_schedule",
    job=suspect_lessons_job,
    # Half an hour after the weekly look has begun; what that has seen is left out.
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
