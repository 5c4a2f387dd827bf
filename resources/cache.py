"""What is dear to compute, remembered for a while."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.cache import open_cache
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.valkey.cache import ValkeyCache


class CacheResource(dg.ConfigurableResource["ValkeyCache"]):
    """What is dear to compute, remembered for a while; satisfies `CacheInvalidator`."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[ValkeyCache]":
        """The cache, its connections closed at the end of the run."""
        with open_cache() as cache:
            yield cache
