"""The draft quiz of a lesson."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol, runtime_checkable
from uuid import UUID

import dagster as dg
from pydantic import Field

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.published_lessons import published_lessons
from assets.partitions import videos
from mentora_pipelines.domain.events.payloads import MAX_EDITION, MAX_QUESTIONS
from mentora_pipelines.domain.lessons.lesson_store import LessonCatalogue
from mentora_pipelines.domain.quizzes.conflicts import TextEmbedder
from mentora_pipelines.domain.quizzes.notices import QuizNotices
from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    QuizWishes,
    QuizWriter,
)
from mentora_pipelines.domain.quizzes.quizzes import DEFAULT_QUESTION_COUNT
from mentora_pipelines.domain.quizzes.writing import (
    LessonWithQuizzes,
    QuizFigures,
    write_quiz,
)


@runtime_checkable
class QuizProgress(LessonWithQuizzes, QuizNotices, Protocol):
    """Keeps the quizzes, and tells those who wait for one in vain."""


class QuizRequest(dg.Config):
    """What to ask of the writer."""

    question_count: int = Field(
        DEFAULT_QUESTION_COUNT,
        ge=1,
        le=MAX_QUESTIONS,
        description=f"Questions wanted, at most {MAX_QUESTIONS}.",
    )
    difficulty: str | None = Field(None, description="easy, medium or hard.")
    bloom_level: str | None = Field(
        None, description="What questions ask of the mind, as remember or apply."
    )
    edition: int = Field(
        0,
        ge=0,
        le=MAX_EDITION,
        description="From 1: other questions, same words.",
    )
    requested_as: str | None = Field(
        None, description="The quizId under which somebody waits for it."
    )


@dg.asset(
    group_name="lessons",
    partitions_def=videos,
    deps=[published_lessons],
    retry_policy=RETRY_POLICY,
    kinds={"postgres"},
    pool="quiz_writing",
    owners=[LESSONS],
    metadata=table_metadata("quizzes"),
)
def quizzes(
    context: dg.AssetExecutionContext,
    *,
    config: QuizRequest,
    catalogue: dg.ResourceParam[LessonCatalogue],
    lessons: dg.ResourceParam[QuizProgress],
    quiz_writer: dg.ResourceParam[QuizWriter],
    question_embedder: dg.ResourceParam[TextEmbedder],
) -> dg.MaterializeResult[None]:
    """Questions that stand on the published words, as a draft for the creator."""
    requested_as = UUID(config.requested_as) if config.requested_as else None
    # The lesson is published: a quiz that fails must not take it back.
    tell = partial(
        lessons.quiz_failed,
        requested_as=requested_as,
        # Of a run that is made again from its failure, the first one's.
        run_id=UUID(context.run.root_run_id or context.run.run_id),
    )
    with lesson_step(context, catalogue, None, on_failure=tell) as video:
        figures = write_quiz(
            video,
            _wishes(config),
            writer=quiz_writer,
            store=lessons,
            embedder=question_embedder,
            requested_as=requested_as,
        )
    return dg.MaterializeResult(
        metadata={
            "questions": figures.questions,
            "wanted": config.question_count,
            "written": figures.written,
            "quiz_id": str(figures.quiz_id),
            **_measured(config, figures),
        }
    )


def _wishes(config: QuizRequest) -> QuizWishes:
    return QuizWishes(
        config.question_count,
        Difficulty(config.difficulty) if config.difficulty else None,
        BloomLevel(config.bloom_level) if config.bloom_level else None,
        config.edition,
    )


def _measured(config: QuizRequest, figures: QuizFigures) -> dict[str, str | float]:
    """What was asked of the writer, and what came of it; empty of an old quiz."""
    if figures.reason is not None:
        return {"no quiz, since": figures.reason}
    if figures.review is None or figures.measures is None:
        return {}
    measures = figures.measures
    return {
        "refused": len(figures.review.refused),
        "repaired": figures.review.repaired,
        "asked difficulty": config.difficulty or "any",
        "asked bloom level": config.bloom_level or "any",
        "spread over the lesson": measures.spread,
        "measured difficulty": _counts(measures.difficulties),
        "measured bloom levels": _counts(measures.bloom_levels),
        "kinds": _counts(measures.kinds),
    }


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
