"""Jobs of the metrics and of the events beneath."""

from datetime import UTC, datetime

import dagster as dg

from assets.analytics.checks import (
    counts_equal_the_events,
    no_value_is_impossible,
    yesterdays_metrics_exist,
)
from assets.analytics.daily_metrics import daily_metrics
from assets.analytics.table_quality import a_day_is_like_others
from assets.failures import RETRY_POLICY, platform_step
from mentora_pipelines.domain.analytics.event_partitions import (
    EventPartitions,
    maintain_partitions,
)
from mentora_pipelines.settings.analytics import MetricsSettings

daily_metrics_job = dg.define_asset_job(
    "daily_metrics_job",
    selection=dg.AssetSelection.assets(daily_metrics).without_checks()
    | dg.AssetSelection.checks(
        counts_equal_the_events, no_value_is_impossible, a_day_is_like_others
    ),
    description="The metrics of a day, or of a range of days in one run.",
)

metrics_freshness_job = dg.define_asset_job(
    "metrics_freshness_job",
    selection=dg.AssetSelection.checks(yesterdays_metrics_exist),
    description="Are yesterday's metrics there?",
)


@dg.op(retry_policy=RETRY_POLICY)
def maintain_event_partitions(
    context: dg.OpExecutionContext,
    metrics: dg.ResourceParam[EventPartitions],
) -> None:
    """Makes the months ahead, and puts away those beyond the retention setting."""
    with platform_step():
        changes = maintain_partitions(
            metrics,
            now=datetime.now(UTC),
            retention_months=MetricsSettings().retention_months,
        )
    context.log.info(
        "%d partitions made; put away: %s",
        changes.made,
        ", ".join(changes.archived) or "none",
    )


@dg.job
def event_partitions_job() -> None:
    """The months of the analytics events: made ahead, put away when they are old."""
    maintain_event_partitions()
