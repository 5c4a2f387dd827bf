"""Where pages of reports are put."""

import dagster as dg

from mentora_pipelines.domain.analytics.report_shelf import ReportShelf
from mentora_pipelines.providers.analytics import make_report_shelf
from resources.opening import made


class ReportShelfResource(dg.ConfigurableResource[ReportShelf]):
    """Where pages of reports are put."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> ReportShelf:
        """The storage and the addresses that the settings choose."""
        return make_report_shelf()
