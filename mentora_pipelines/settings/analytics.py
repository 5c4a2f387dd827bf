"""Metrics of days: how far back, how long kept, where their pages are opened."""

from typing import Annotated

from pydantic import AfterValidator, Field

from mentora_pipelines.settings.base import Settings
from mentora_pipelines.settings.urls import web_url


class MetricsSettings(Settings):
    """How long a day's metrics follow late events, and how long events are kept."""

    look_back_days: int = Field(14, ge=1, le=90, alias="MENTORA_METRICS_LOOK_BACK_DAYS")
    # A month is put away when no look-back reaches it any more: three, plus this one.
    retention_months: int | None = Field(
        None, ge=4, alias="MENTORA_EVENTS_RETENTION_MONTHS"
    )


class ReportSettings(Settings):
    """Where people open the pages of reports."""

    base_url: Annotated[str, AfterValidator(web_url)] | None = Field(
        None, alias="MENTORA_REPORTS_URL"
    )
