"""Metrics of days, pages of them, and what is expected of their tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.domain.analytics.metric_reports import MetricReports
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf
from mentora_pipelines.providers.analytics import (
    make_metric_reports,
    make_report_shelf,
    open_metrics,
    open_table_validator,
)
from resources.opening import made, opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.analytics.daily_metrics import (
        PostgresMetrics,
    )
    from mentora_pipelines.adapters.table_quality.validator import (
        GreatExpectationsValidator,
    )


class MetricsResource(dg.ConfigurableResource["PostgresMetrics"]):
    """The metrics of days and the events beneath, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresMetrics]":
        """The store, its connections closed at the end of the run."""
        with open_metrics() as store:
            yield store


class MetricReportsResource(dg.ConfigurableResource[MetricReports]):
    """Makes the pages that analysts read."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> MetricReports:
        """The adapter that the settings choose."""
        return make_metric_reports()


class ReportShelfResource(dg.ConfigurableResource[ReportShelf]):
    """Where pages of reports are put."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> ReportShelf:
        """The storage and the addresses that the settings choose."""
        return make_report_shelf()


class TableValidatorResource(dg.ConfigurableResource["GreatExpectationsValidator"]):
    """Tries what is expected of tables; its library is loaded when it is asked."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[GreatExpectationsValidator]":
        """The adapter, its connections closed at the end of the run."""
        with open_table_validator() as validator:
            yield validator
