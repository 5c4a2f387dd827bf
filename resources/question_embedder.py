"""Compares questions of quizzes by their meaning."""

import dagster as dg

from mentora_pipelines.domain.quizzes.conflicts import TextEmbedder
from mentora_pipelines.providers.models import make_local_embedder
from resources.opening import made


class QuestionEmbedderResource(dg.ConfigurableResource[TextEmbedder]):
    """Compares questions of quizzes by their meaning."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> TextEmbedder:
        """The local model: what counts as alike was measured with its vectors."""
        return make_local_embedder()
