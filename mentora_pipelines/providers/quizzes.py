"""Quizzes: who writes them, where they are kept, what becomes of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.domain.quizzes.questions import QuizWriter
from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.providers.databases import admin_database
from mentora_pipelines.providers.hosted_models import make_claude_quiz_writer
from mentora_pipelines.settings.quizzes import QuizSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.item_analysis import PandasItemAnalyst
    from mentora_pipelines.adapters.postgres.quizzes.quiz_desk import QuizDesk
    from mentora_pipelines.adapters.quiz_exports.printer import FileHandouts


@contextmanager
def open_quiz_desk() -> "Iterator[QuizDesk]":
    """Quizzes, requests and answers across creators, as the admin role."""
    from mentora_pipelines.adapters.postgres.quizzes.quiz_desk import QuizDesk

    with admin_database("mentora-quizzes") as database:
        yield QuizDesk(database)


def make_item_analyst() -> "PandasItemAnalyst":
    """Computes what answers say about questions."""
    from mentora_pipelines.adapters.item_analysis import PandasItemAnalyst

    return PandasItemAnalyst()


def make_handouts() -> "FileHandouts":
    """Turns quizzes into files."""
    from mentora_pipelines.adapters.quiz_exports.printer import FileHandouts

    return FileHandouts()


def make_quiz_writer(ledgers: UsageLedgers) -> QuizWriter:
    """Proposes questions about a lesson."""
    from mentora_pipelines.adapters.extractive_quiz.writer import ExtractiveQuizWriter

    if QuizSettings().writer == "claude":
        return make_claude_quiz_writer(ledgers)
    return ExtractiveQuizWriter()
