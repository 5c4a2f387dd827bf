"""Every Monday at 04:00 UTC: a week of answers, before the creators' week begins."""

import dagster as dg

from assets.lessons.quiz_statistics import quiz_statistics_job

quiz_statistics_schedule = dg.ScheduleDefinition(
    name="quiz_statistics_schedule",
    job=quiz_statistics_job,
    cron_schedule="0 4 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
