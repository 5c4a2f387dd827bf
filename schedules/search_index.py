"""Each night the vectors are completed and search is measured."""

import dagster as dg

from assets.search.search_index import search_index_job

search_index_schedule = dg.ScheduleDefinition(
    name="search_index_schedule",
    job=search_index_job,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
