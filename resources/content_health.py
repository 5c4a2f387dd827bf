"""The health of lessons: its history, and who looks at their videos."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.content_health import (
    open_health_ledger,
    open_lesson_prober,
)
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.http_probe.lessons import WebLessonProber
    from mentora_pipelines.adapters.postgres.operations.content_health import (
        ContentHealthRows,
    )


class HealthLedgerResource(dg.ConfigurableResource["ContentHealthRows"]):
    """The history of the health of lessons, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[ContentHealthRows]":
        """The history, its connections closed at the end of the run."""
        with open_health_ledger() as ledger:
            yield ledger


class LessonProberResource(dg.ConfigurableResource["WebLessonProber"]):
    """Asks whether videos can be played."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[WebLessonProber]":
        """The prober, its threads let go at the end of the run."""
        with open_lesson_prober() as prober:
            yield prober
