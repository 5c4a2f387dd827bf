"""The metrics of days and the events beneath, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.analytics import open_metrics
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.daily_metrics import PostgresMetrics


class MetricsResource(dg.ConfigurableResource["PostgresMetrics"]):
    """The metrics of days and the events beneath, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresMetrics]":
        """The store, its connections closed at the end of the run."""
        with open_metrics() as store:
            yield store
