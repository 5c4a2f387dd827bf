"""The index that is searched: generations of vectors, and how good they are."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.generations.upkeep import SearchUpkeep
from mentora_pipelines.providers.search import open_search_upkeep
from resources.opening import opened


class SearchUpkeepResource(dg.ConfigurableResource[SearchUpkeep]):
    """Generations of vectors with the models and the golden set that judge them."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[SearchUpkeep]:
        """As the admin role; connections closed at the end."""
        with open_search_upkeep() as upkeep:
            yield upkeep
