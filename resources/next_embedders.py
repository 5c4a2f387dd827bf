"""The adapters of embedding models whose vectors are being made."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from mentora_pipelines.domain.caching.embeddings import TextModel
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel, NextEmbedders
from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.providers.models import embedder_of
from mentora_pipelines.providers.spending import open_usage_ledgers


@dataclass(frozen=True, slots=True)
class _Embedders:
    ledgers: UsageLedgers

    def of(self, model: EmbeddingModel) -> TextModel:
        return embedder_of(model, self.ledgers)


class NextEmbeddersResource(dg.ConfigurableResource[NextEmbedders]):
    """The adapters of embedding models whose vectors are being made."""

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[NextEmbedders]:
        """One for each model that is asked for."""
        with open_usage_ledgers() as ledgers:
            yield _Embedders(ledgers)
