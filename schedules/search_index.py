"""Each night the vectors are completed and search is measured."""

import dagster as dg

from assets.cockpit import LESSONS, team
from assets.search.search_index import search_index_job
from assets.triggers import checked_in


@dg.schedule(
    job=search_index_job,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Completes the vectors and measures search.",
    tags=team(LESSONS),
)
@checked_in
def search_index_schedule() -> dg.RunRequest:
    """One run a night."""
    return dg.RunRequest()
