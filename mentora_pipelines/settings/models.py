"""Which models hear and embed: those of this machine or hosted ones.

Not here: where hosted models are (`hosted_models`), and who writes quizzes
(`quizzes`).
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from mentora_pipelines.settings.base import Settings


def _blank_is_unset(value: object) -> object:
    return None if value == "" else value


class TranscriberSettings(Settings):
    """Who turns speech into words."""

    transcriber: Literal["faster-whisper", "openai"] = Field(
        "faster-whisper", alias="MENTORA_TRANSCRIBER"
    )
    whisper_model: str = Field("tiny.en", min_length=1, alias="MENTORA_WHISPER_MODEL")
    whisper_device: Literal["cpu", "cuda"] = Field(
        "cpu", alias="MENTORA_WHISPER_DEVICE"
    )
    language: Annotated[str | None, BeforeValidator(_blank_is_unset)] = Field(
        None, pattern="^[a-z]{2,3}$", alias="MENTORA_LANGUAGE"
    )

    @model_validator(mode="after")
    def _model_knows_the_language(self) -> Self:
        # A model's own languages are known when it is loaded; its name tells this much.
        if (
            self.transcriber == "faster-whisper"
            and self.whisper_model.endswith(".en")
            and self.language not in (None, "en")
        ):
            raise ValueError(
                f"MENTORA_WHISPER_MODEL: {self.whisper_model} understands English "
                "only, and MENTORA_LANGUAGE is another language"
            )
        return self


class EmbedderSettings(Settings):
    """Who turns texts into vectors."""

    embedder: Literal["minilm", "openai"] = Field("minilm", alias="MENTORA_EMBEDDER")
