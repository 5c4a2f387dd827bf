"""The history of the platform's health, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.platform_health import open_platform_ledger
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.platform_health import (
        PlatformHealthRows,
    )


class PlatformLedgerResource(dg.ConfigurableResource["PlatformHealthRows"]):
    """The history of the platform's health, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PlatformHealthRows]":
        """The history, its connections closed at the end of the run."""
        with open_platform_ledger() as ledger:
            yield ledger
