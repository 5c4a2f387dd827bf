"""Proposes questions about a lesson."""

import dagster as dg

from mentora_pipelines.domain.quizzes.questions import QuizWriter
from mentora_pipelines.providers import make_quiz_writer


class QuizWriterResource(dg.ConfigurableResource[QuizWriter]):
    """Proposes questions about a lesson."""

    def create_resource(self, context: dg.InitResourceContext) -> QuizWriter:
        """The adapter that the settings choose."""
        return make_quiz_writer()
