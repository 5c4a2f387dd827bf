"""The metrics of a day."""

import warnings
from datetime import date

import dagster as dg
from pydantic import Field

from assets.analytics.partitions import days
from assets.analytics.report_pages import page_metadata, pages_metadata
from assets.cockpit import ANALYTICS, table_metadata
from assets.failures import RETRY_POLICY, platform_step
from mentora_pipelines.domain.analytics.daily_metrics import (
    DayCount,
    DayRange,
    Metrics,
    Period,
)
from mentora_pipelines.domain.analytics.metric_reports import (
    MetricReports,
    MetricsBook,
    write_reports,
)
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf

# A range of days in one run: four seconds of a run's start for each day otherwise.
warnings.filterwarnings(
    "ignore", message=".*backfill_policy.*", category=dg.BetaWarning
)


class DailyMetricsRequest(dg.Config):
    """What to make beside the numbers."""

    write_reports: bool = Field(
        True,
        description="Write the pages of each day; a year's backfill may do without.",
    )


@dg.asset(
    group_name="analytics",
    partitions_def=days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRY_POLICY,
    kinds={"postgres", "html"},
    owners=[ANALYTICS],
    metadata=table_metadata("daily_metrics"),
)
def daily_metrics(
    context: dg.AssetExecutionContext,
    config: DailyMetricsRequest,
    metrics: dg.ResourceParam[MetricsBook],
    metric_reports: dg.ResourceParam[MetricReports],
    report_shelf: dg.ResourceParam[ReportShelf],
) -> dg.MaterializeResult[None]:
    """What students did on a day (UTC), per creator and for the platform.

    Counted from `analytics_events` by the database; a day that is counted again from
    the same events writes no row. The links lead to the day's pages;
    those of further creators are told by `mentora metrics --report DAY --creator C`.
    """
    with platform_step():
        for key in context.partition_keys:
            day = date.fromisoformat(key)
            count = metrics.aggregate(day)
            numbers = metrics.metrics(DayRange(day, day), Period.DAY, None)
            told: dict[str, dg.MetadataValue] = {
                **_counted(count),
                **_numbers(numbers),
            }
            if config.write_reports:
                pages = write_reports(
                    day, history=metrics, reports=metric_reports, shelf=report_shelf
                )
                told["report_pages"] = dg.MetadataValue.int(pages.pages)
                if pages.platform is not None:
                    told["report"] = page_metadata(pages.platform)
                if pages.creators:
                    told["creators_reports"] = pages_metadata(pages.creators)
            context.add_asset_metadata(told, partition_key=key)
    return dg.MaterializeResult()


def _counted(count: DayCount) -> dict[str, dg.MetadataValue]:
    return {
        "rows": dg.MetadataValue.int(count.rows),
        "rows_written": dg.MetadataValue.int(count.written),
        "facts_archived": dg.MetadataValue.bool(count.facts_archived),
    }


def _numbers(of_day: list[Metrics]) -> dict[str, dg.MetadataValue]:
    """The platform's numbers, which the UI plots over the days."""
    return {
        name: dg.MetadataValue.float(float(value))
        for metrics in of_day
        for name in PLOTTED
        if (value := getattr(metrics, name)) is not None
    }


PLOTTED = (
    "active_students", "sessions", "watch_minutes", "lessons_started",
    "lessons_completed", "quiz_attempts", "quiz_average_score", "quiz_pass_rate",
    "chat_messages", "achievements", "new_students", "processing_minutes",
    "processing_failures", "ai_cost_usd", "malformed_events",
)  # fmt: skip
