"""Makes the pages that analysts read."""

import dagster as dg

from mentora_pipelines.domain.analytics.metric_reports import MetricReports
from mentora_pipelines.providers.analytics import make_metric_reports
from resources.opening import made


class MetricReportsResource(dg.ConfigurableResource[MetricReports]):
    """Makes the pages that analysts read."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> MetricReports:
        """The adapter that the settings choose."""
        return make_metric_reports()
