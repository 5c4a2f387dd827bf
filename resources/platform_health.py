"""The health of the platform: its history, and who asks its parts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.probes import Probes
from mentora_pipelines.providers.platform_health import open_platform_ledger
from resources.opening import made, opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.operations.platform_health import (
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


class PlatformProbesResource(dg.ConfigurableResource[Probes]):
    """Asks each part of the platform, as `mentora doctor` does."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> Probes:
        """The probes; each opens what it asks, and closes it."""
        return Probes()
