"""Models that hear and embed."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.caching.embeddings import TextModel
from mentora_pipelines.domain.lessons.embeddings import Embedders
from mentora_pipelines.domain.lessons.recognition import Transcriber
from mentora_pipelines.domain.quizzes.conflicts import TextEmbedder
from mentora_pipelines.providers.cache import open_cache
from mentora_pipelines.providers.models import (
    make_cached_embedder,
    make_embedders,
    make_local_embedder,
    make_transcriber,
)
from mentora_pipelines.providers.spending import open_usage_ledgers
from resources.opening import made, opened


class TranscriberResource(dg.ConfigurableResource[Transcriber]):
    """Turns speech into timed words."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[Transcriber]:
        """The adapter that the settings choose, and the ledger that it books to."""
        with open_usage_ledgers() as ledgers:
            yield make_transcriber(ledgers)


class EmbedderResource(dg.ConfigurableResource[TextModel]):
    """Turns texts into vectors, each text once."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[TextModel]:
        """The adapter of the model that is searched, behind the cache."""
        with open_cache() as cache, open_usage_ledgers() as ledgers:
            yield make_cached_embedder(cache, ledgers)


class EmbeddersResource(dg.ConfigurableResource[Embedders]):
    """The adapters of embedding models whose vectors are stored, or are being made."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[Embedders]:
        """One for each model that is asked for."""
        with open_usage_ledgers() as ledgers:
            yield make_embedders(ledgers)


class QuestionEmbedderResource(dg.ConfigurableResource[TextEmbedder]):
    """Compares questions of quizzes by their meaning."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> TextEmbedder:
        """The local model: what counts as alike was measured with its vectors."""
        return make_local_embedder()
