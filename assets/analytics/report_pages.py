"""How the pages of reports are told in metadata."""

from collections.abc import Mapping
from uuid import UUID

import dagster as dg

from mentora_pipelines.domain.analytics.report_shelf import ReportPage


def page_metadata(page: ReportPage) -> dg.MetadataValue[str]:
    """A link, where a browser can open the page; else the key that it lies under."""
    if page.url is None:
        return dg.MetadataValue.text(page.key)
    return dg.MetadataValue.url(page.url)


def pages_metadata(pages: Mapping[UUID, ReportPage]) -> dg.MetadataValue[str]:
    """A table of creators and their pages, each told as `page_metadata` tells one."""
    lines = [
        f"| {creator_id} | {page.key if page.url is None else f'[page]({page.url})'} |"
        for creator_id, page in pages.items()
    ]
    return dg.MetadataValue.md("\n".join(["| creator | page |", "|---|---|", *lines]))
