"""How the page of a report is told in metadata."""

import dagster as dg

from mentora_pipelines.domain.analytics.report_shelf import ReportPage


def page_metadata(page: ReportPage) -> dg.MetadataValue[str]:
    """A link, where a browser can open the page; else the key that it lies under."""
    if page.url is None:
        return dg.MetadataValue.text(page.key)
    return dg.MetadataValue.url(page.url)
