"""The draft quiz of a lesson."""

from uuid import UUID

import dagster as dg
from pydantic import Field

from assets.cockpit import LESSONS, table_metadata
from assets.failures import RETRY_POLICY, lesson_step
from assets.lessons.published_lessons import published_lessons
from assets.partitions import videos
from mentora_pipelines.domain.events.payloads import MAX_QUESTIONS
from mentora_pipelines.domain.lessons.lesson_store import LessonStore
from mentora_pipelines.domain.lessons.questions import QuizWriter
from mentora_pipelines.domain.lessons.quizzes import (
    DEFAULT_QUESTION_COUNT,
    write_quiz,
)
from mentora_pipelines.domain.videos import VideoCatalogue


class QuizRequest(dg.Config):
    """What to ask of the writer."""

    question_count: int = Field(
        DEFAULT_QUESTION_COUNT,
        ge=1,
        le=MAX_QUESTIONS,
        description=f"Questions wanted, at most {MAX_QUESTIONS}.",
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
    config: QuizRequest,
    catalogue: dg.ResourceParam[VideoCatalogue],
    lessons: dg.ResourceParam[LessonStore],
    quiz_writer: dg.ResourceParam[QuizWriter],
) -> dg.MaterializeResult[None]:
    """Questions that stand on the published words, as a draft for the creator."""
    # The lesson is published: a quiz that fails must not take it back.
    with lesson_step(context, catalogue, progress=None) as video:
        figures = write_quiz(
            video,
            config.question_count,
            writer=quiz_writer,
            store=lessons,
            requested_as=UUID(config.requested_as) if config.requested_as else None,
        )
    return dg.MaterializeResult(
        metadata={
            "questions": figures.questions,
            "refused": figures.refused,
            "written": figures.written,
            "quiz_id": str(figures.quiz_id),
        }
    )
