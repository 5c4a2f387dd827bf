"""Videos, generations and search across creators, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.lessons import open_catalogue
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue


class CatalogueResource(dg.ConfigurableResource["PostgresCatalogue"]):
    """Videos, generations and search across creators, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresCatalogue]":
        """The store, its connections closed at the end of the run."""
        with open_catalogue() as store:
            yield store
