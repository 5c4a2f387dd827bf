"""Turns texts into vectors, each text once."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.caching.embeddings import TextModel
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.models import make_cached_embedder
from mentora_pipelines.providers.spending import open_usage_ledgers
from resources.opening import opened


class EmbedderResource(dg.ConfigurableResource[TextModel]):
    """Turns texts into vectors, each text once."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[TextModel]:
        """The adapter of the model that is searched, behind the cache."""
        with open_cache() as cache, open_usage_ledgers() as ledgers:
            yield make_cached_embedder(cache, ledgers)
