"""Quizzes: who writes them, and what their answers say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.domain.quizzes.item_statistics import ItemAnalyst
from mentora_pipelines.domain.quizzes.questions import QuizWriter
from mentora_pipelines.providers.quizzes import (
    make_item_analyst,
    make_quiz_writer,
    open_quiz_desk,
)
from mentora_pipelines.providers.spending import open_usage_ledgers
from resources.opening import made, opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.quizzes.quiz_desk import QuizDesk


class QuizWriterResource(dg.ConfigurableResource[QuizWriter]):
    """Proposes questions about a lesson."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Iterator[QuizWriter]:
        """The adapter that the settings choose, and the ledger that it books to."""
        with open_usage_ledgers() as ledgers:
            yield make_quiz_writer(ledgers)


class QuizAnswersResource(dg.ConfigurableResource["QuizDesk"]):
    """What students answered, counted across creators as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[QuizDesk]":
        """The store, its connections closed at the end of the run."""
        with open_quiz_desk() as desk:
            yield desk


class ItemAnalystResource(dg.ConfigurableResource[ItemAnalyst]):
    """Computes what answers say about questions."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> ItemAnalyst:
        """The adapter."""
        return make_item_analyst()
