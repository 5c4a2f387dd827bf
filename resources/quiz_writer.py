"""Proposes questions about a lesson."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.quizzes.questions import QuizWriter
from mentora_pipelines.providers.quizzes import make_quiz_writer
from mentora_pipelines.providers.spending import open_usage_ledgers
from resources.opening import opened


class QuizWriterResource(dg.ConfigurableResource[QuizWriter]):
    """Proposes questions about a lesson."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[QuizWriter]:
        """The adapter that the settings choose, and the ledger that it books to."""
        with open_usage_ledgers() as ledgers:
            yield make_quiz_writer(ledgers)
