"""The history of the health of lessons, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.content_health import open_health_ledger
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.content_health import ContentHealthRows


class HealthLedgerResource(dg.ConfigurableResource["ContentHealthRows"]):
    """The history of the health of lessons, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[ContentHealthRows]":
        """The history, its connections closed at the end of the run."""
        with open_health_ledger() as ledger:
            yield ledger
