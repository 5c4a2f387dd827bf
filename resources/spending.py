"""Budgets and the bill across creators, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.spending import open_spending
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.spending.spending import SpendingRows


class SpendingResource(dg.ConfigurableResource["SpendingRows"]):
    """Budgets and the bill across creators, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[SpendingRows]":
        """The rows, the connections closed at the end of the tick."""
        with open_spending() as spending:
            yield spending
