"""Who writes quizzes, and when."""

from typing import Literal

from pydantic import Field

from mentora_pipelines.settings.base import Settings


class QuizSettings(Settings):
    """Who writes quizzes, and whether each new lesson gets one."""

    writer: Literal["extractive", "claude"] = Field(
        "extractive", alias="MENTORA_QUIZ_WRITER"
    )
    auto_generate: bool = Field(True, alias="MENTORA_AUTO_GENERATE_QUIZ")
