"""Models that are asked over the network: addresses, keys, names and limits.

Not here: whether they are asked (`models`, `quizzes`), and what they cost
(`spending`).
"""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from mentora_pipelines.settings.base import Settings
from mentora_pipelines.settings.urls import web_url

_Limit = Annotated[int, Field(ge=1)]


class OpenAiSettings(Settings):
    """OpenAI's API, or a server that speaks it, and the models that are asked there.

    A server for transcription alone, as on a GPU machine, has a URL and a key of its
    own. Limits are those of the account, for each minute; None: not known.
    """

    key: SecretStr | None = Field(None, alias="OPENAI_API_KEY")
    base_url: Annotated[str, AfterValidator(web_url)] = Field(
        "https://api.openai.com/v1", alias="OPENAI_BASE_URL"
    )
    embedding_model: str = Field(
        "text-embedding-3-small", min_length=1, alias="MENTORA_EMBEDDING_MODEL"
    )
    # What an index of pgvector holds at most of numbers of two bytes each.
    embedding_dimensions: int = Field(
        1536, ge=1, le=4000, alias="MENTORA_EMBEDDING_DIMENSIONS"
    )
    embedding_requests: _Limit | None = Field(
        3_000, alias="MENTORA_EMBEDDING_REQUESTS_PER_MINUTE"
    )
    embedding_tokens: _Limit | None = Field(
        1_000_000, alias="MENTORA_EMBEDDING_TOKENS_PER_MINUTE"
    )
    transcription_url: Annotated[str, AfterValidator(web_url)] | None = Field(
        None, alias="MENTORA_TRANSCRIPTION_URL"
    )
    transcription_key: SecretStr | None = Field(None, alias="MENTORA_TRANSCRIPTION_KEY")
    # The hosted one that tells when each word was said.
    transcription_model: str = Field(
        "whisper-1", min_length=1, alias="MENTORA_TRANSCRIPTION_MODEL"
    )
    transcription_requests: _Limit | None = Field(
        500, alias="MENTORA_TRANSCRIPTION_REQUESTS_PER_MINUTE"
    )
    transcription_timeout_s: float = Field(
        300.0,
        ge=1,
        le=3600,
        allow_inf_nan=False,
        alias="MENTORA_TRANSCRIPTION_TIMEOUT_S",
    )


class AnthropicSettings(Settings):
    """Anthropic's API and the model that writes quizzes."""

    key: SecretStr | None = Field(None, alias="ANTHROPIC_API_KEY")
    base_url: Annotated[str, AfterValidator(web_url)] = Field(
        "https://api.anthropic.com", alias="ANTHROPIC_BASE_URL"
    )
    quiz_model: str = Field("claude-sonnet-5", min_length=1, alias="MENTORA_QUIZ_MODEL")
    requests: _Limit | None = Field(50, alias="MENTORA_QUIZ_REQUESTS_PER_MINUTE")
    tokens: _Limit | None = Field(30_000, alias="MENTORA_QUIZ_INPUT_TOKENS_PER_MINUTE")
