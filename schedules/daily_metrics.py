"""Every night at 02:00 UTC: the days that are not counted, or not any more."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from assets.analytics.jobs import daily_metrics_job
from assets.cockpit import ANALYTICS, team
from assets.triggers import checked_in
from mentora_pipelines.domain.analytics.daily_metrics import (
    DayRange,
    MetricsCalendar,
    due_ranges,
)
from mentora_pipelines.settings.analytics import MetricsSettings


@dg.schedule(
    job=daily_metrics_job,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Counts the days that are not counted, or not any more.",
    tags=team(ANALYTICS),
)
@checked_in
def daily_metrics_schedule(
    metrics: dg.ResourceParam[MetricsCalendar],
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Asks what is due instead of counting ticks: a missed one loses no day."""
    now = datetime.now(UTC)
    found = due_ranges(
        metrics, now=now, look_back_days=MetricsSettings().look_back_days
    )
    for days in found:
        yield _request(days, now)
    if not found:
        yield dg.SkipReason("every day is counted, and no event came late")


def _request(days: DayRange, now: datetime) -> dg.RunRequest:
    # The ticks that Dagster makes up for come within a minute and find the same days:
    # one run. Tomorrow the same days are another one, since today's may have failed.
    first, last = days.first.isoformat(), days.last.isoformat()
    run_key = f"{first}..{last}@{now.date().isoformat()}"
    if first == last:
        return dg.RunRequest(run_key=run_key, partition_key=first)
    return dg.RunRequest(
        run_key=run_key,
        tags={
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last,
        },
    )
