"""Metrics of days, pages of them, and what is expected of their tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.metric_reports import HtmlMetricReports
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf
from mentora_pipelines.providers.databases import admin_database, migrated_urls
from mentora_pipelines.providers.storage import make_storage
from mentora_pipelines.settings.analytics import MetricsSettings, ReportSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.analytics.daily_metrics import (
        PostgresMetrics,
    )
    from mentora_pipelines.adapters.table_quality.validator import (
        GreatExpectationsValidator,
    )


@contextmanager
def open_metrics() -> "Iterator[PostgresMetrics]":
    """Metrics of days and the events beneath, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.analytics.daily_metrics import (
        PostgresMetrics,
    )

    with admin_database("mentora-metrics") as database:
        yield PostgresMetrics(database)


@contextmanager
def open_table_validator() -> "Iterator[GreatExpectationsValidator]":
    """Tries what is expected of tables, as the admin role; closed at the end.

    The library behind it is loaded when it is first asked.
    """
    from mentora_pipelines.adapters.table_quality.validator import (
        GreatExpectationsValidator,
    )

    with admin_database("mentora-quality") as database:
        yield GreatExpectationsValidator(
            database,
            migrated_urls().admin,
            look_back_days=MetricsSettings().look_back_days,
        )


def make_metric_reports() -> HtmlMetricReports:
    """Makes pages of metrics."""
    return HtmlMetricReports()


def make_report_shelf() -> ReportShelf:
    """Where pages of reports are put, and where the settings say they are served."""
    return ReportShelf(make_storage(), ReportSettings().base_url)
