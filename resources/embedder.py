"""Turns texts into vectors."""

import dagster as dg

from mentora_pipelines.domain.lessons.embeddings import Embedder
from mentora_pipelines.providers import make_embedder


class EmbedderResource(dg.ConfigurableResource[Embedder]):
    """Turns texts into vectors."""

    def create_resource(self, context: dg.InitResourceContext) -> Embedder:
        """The adapter that the settings choose."""
        return make_embedder()
