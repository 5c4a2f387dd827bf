"""The adapters of embedding models whose vectors are stored, or are being made."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.lessons.embeddings import NextEmbedders
from mentora_pipelines.providers.models import make_next_embedders
from mentora_pipelines.providers.spending import open_usage_ledgers
from resources.opening import opened


class NextEmbeddersResource(dg.ConfigurableResource[NextEmbedders]):
    """The adapters of embedding models whose vectors are stored, or are being made."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[NextEmbedders]:
        """One for each model that is asked for."""
        with open_usage_ledgers() as ledgers:
            yield make_next_embedders(ledgers)
