"""Sentences that must be true of a day's metrics.

Here belong checks that read numbers and facts back. Not here: expectations about
tables as a whole.
"""

import warnings
from datetime import UTC, date, datetime

import dagster as dg

from assets.analytics.daily_metrics import daily_metrics
from assets.analytics.partitions import days
from assets.failures import RETRY_POLICY, platform_step
from assets.observation import tell_failed_check
from mentora_pipelines.domain.analytics.daily_metrics import (
    DAY,
    MetricsCalendar,
    MetricsStore,
    look_back_from,
    unconfirmed,
    yesterday,
)
from mentora_pipelines.settings.analytics import MetricsSettings

# `partitions_def` of a check is in preview, and without it a check of one day would
# read the materializations of all of them.
warnings.filterwarnings(
    "ignore", message=".*partitions_def.*", category=dg.PreviewWarning
)

MAX_TOLD = 20
"""Findings told in a check's metadata; their number is told beside them."""


@dg.asset_check(asset=daily_metrics, partitions_def=days, retry_policy=RETRY_POLICY)
def counts_equal_the_events(
    context: dg.AssetCheckExecutionContext, metrics: dg.ResourceParam[MetricsStore]
) -> dg.AssetCheckResult:
    """Else an analyst decides on numbers that nobody can count again."""
    with platform_step():
        tomorrow = datetime.now(UTC) + DAY
        look_back = look_back_from(tomorrow, MetricsSettings().look_back_days)
        found = [
            f"{key}, {difference.creator_id or 'platform'}: {difference.metric} is "
            f"{difference.stored}, the events say {difference.counted}"
            for key in _partition_keys(context)
            for difference in unconfirmed(
                metrics, date.fromisoformat(key), look_back=look_back
            )
        ]
        if found:
            tell_failed_check(context)
    return _result(found)


@dg.asset_check(asset=daily_metrics, partitions_def=days, retry_policy=RETRY_POLICY)
def no_value_is_impossible(
    context: dg.AssetCheckExecutionContext, metrics: dg.ResourceParam[MetricsStore]
) -> dg.AssetCheckResult:
    """Else a chart shows a pass rate of 120 % and nobody trusts the others."""
    with platform_step():
        found = [
            f"{key}, {told}"
            for key in _partition_keys(context)
            for told in metrics.impossible_values(date.fromisoformat(key))
        ]
        if found:
            tell_failed_check(context)
    return _result(found)


@dg.asset_check(asset=daily_metrics, retry_policy=RETRY_POLICY)
def yesterdays_metrics_exist(
    metrics: dg.ResourceParam[MetricsCalendar],
) -> dg.AssetCheckResult:
    """Else a missed night is noticed when somebody asks for its numbers."""
    day = yesterday(datetime.now(UTC))
    with platform_step():
        counted = metrics.is_counted(day)
        if not counted:
            tell_failed_check()
    return dg.AssetCheckResult(
        passed=counted,
        description=f"the metrics of {day} are {'there' if counted else 'missing'}",
        metadata={"day": day.isoformat()},
    )


def _partition_keys(context: dg.AssetCheckExecutionContext) -> list[str]:
    """The days of this run, which may be a range."""
    return list(context.op_execution_context.partition_keys)


def _result(found: list[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not found,
        metadata={"findings": len(found), "the first": found[:MAX_TOLD]},
    )
