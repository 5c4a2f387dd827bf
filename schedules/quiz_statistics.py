"""Every Monday at 04:00 UTC: a week of answers, before the creators' week begins."""

import dagster as dg

from assets.cockpit import LESSONS, team
from assets.lessons.quiz_statistics import quiz_statistics_job
from assets.triggers import checked_in


@dg.schedule(
    job=quiz_statistics_job,
    cron_schedule="0 4 * * 1",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Asks what students' answers say about the questions.",
    tags=team(LESSONS),
)
@checked_in
def quiz_statistics_schedule() -> dg.RunRequest:
    """One run a week."""
    return dg.RunRequest()
