"""Models that are asked over the network: settings in, adapter out.

Here belong the addresses, keys, limits and breakers of hosted models. Not here: the
choice between them and those of this machine (`models`, `quizzes`).
"""

from typing import TYPE_CHECKING

from mentora_pipelines.domain.spending.prices import OWN_SERVER
from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.services import redis_urls
from mentora_pipelines.settings.hosted_models import AnthropicSettings, OpenAiSettings
from mentora_pipelines.settings.models import TranscriberSettings
from mentora_pipelines.settings.redis import RedisSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.claude.quiz_writer import ClaudeQuizWriter
    from mentora_pipelines.adapters.openai.embeddings import OpenAiEmbedder
    from mentora_pipelines.adapters.openai.transcription import OpenAiTranscriber
    from mentora_pipelines.adapters.provider_calls.calls import ProviderCalls
    from mentora_pipelines.adapters.provider_calls.pace import Quota
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer

EMBEDDING_TIMEOUT_S = 30.0


def make_openai_embedder(
    ledgers: UsageLedgers, model: str | None = None, dimensions: int | None = None
) -> "OpenAiEmbedder":
    """Vectors by the model that is set, or by another of the same server."""
    from mentora_pipelines.adapters.openai.client import PROVIDER, OpenAiClient, Server
    from mentora_pipelines.adapters.openai.embeddings import OpenAiEmbedder
    from mentora_pipelines.adapters.provider_calls.pace import Quota

    settings = OpenAiSettings()
    name = model or settings.embedding_model
    quota = Quota(settings.embedding_requests, settings.embedding_tokens)
    return OpenAiEmbedder(
        OpenAiClient(
            Server(settings.base_url, settings.key), timeout_s=EMBEDDING_TIMEOUT_S
        ),
        _calls(PROVIDER, settings.base_url, name, quota, ledgers),
        model=name,
        dimensions=dimensions or settings.embedding_dimensions,
        tokens_per_minute=quota.tokens,
    )


def make_openai_transcriber(ledgers: UsageLedgers) -> "OpenAiTranscriber":
    """Words by OpenAI, or by a server of one's own that speaks its language."""
    from mentora_pipelines.adapters.openai.client import PROVIDER, OpenAiClient, Server
    from mentora_pipelines.adapters.openai.transcription import OpenAiTranscriber
    from mentora_pipelines.adapters.provider_calls.pace import Quota

    settings = OpenAiSettings()
    if settings.transcription_url is None:
        provider = PROVIDER
        server = Server(settings.base_url, settings.transcription_key or settings.key)
    else:
        # Neither the account's key nor its prices are those of another server.
        provider = OWN_SERVER
        server = Server(settings.transcription_url, settings.transcription_key)
    model = settings.transcription_model
    quota = Quota(settings.transcription_requests)
    return OpenAiTranscriber(
        OpenAiClient(server, timeout_s=settings.transcription_timeout_s),
        _calls(provider, server.base_url, model, quota, ledgers),
        model=model,
        host=server.host,
        language=TranscriberSettings().language,
        provider=provider,
    )


def make_claude_quiz_writer(ledgers: UsageLedgers) -> "ClaudeQuizWriter":
    """Questions by Claude."""
    from mentora_pipelines.adapters.claude.client import PROVIDER, ClaudeClient
    from mentora_pipelines.adapters.claude.quiz_writer import ClaudeQuizWriter
    from mentora_pipelines.adapters.provider_calls.pace import Quota

    settings = AnthropicSettings()
    model = settings.quiz_model
    quota = Quota(settings.requests, settings.tokens)
    return ClaudeQuizWriter(
        ClaudeClient(model, base_url=settings.base_url, key=settings.key),
        _calls(PROVIDER, settings.base_url, model, quota, ledgers),
    )


def _calls(
    provider: str, base_url: str, model: str, quota: "Quota", ledgers: UsageLedgers
) -> "ProviderCalls":
    """One breaker for each address, one pace for each model there."""
    from mentora_pipelines.adapters.provider_calls.breaker import breaker_of
    from mentora_pipelines.adapters.provider_calls.calls import ProviderCalls
    from mentora_pipelines.adapters.provider_calls.pace import pace_of
    from mentora_pipelines.adapters.valkey.pace import SharedPace

    name = f"{base_url} {model}"
    return ProviderCalls(
        provider,
        pace=SharedPace(
            name,
            quota,
            _coordination,
            meanwhile=pace_of(name, quota),
            prefix=RedisSettings().prefix,
        ),
        breaker=breaker_of(base_url),
        ledgers=ledgers,
    )


def _coordination() -> "ValkeyServer":
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer

    return ValkeyServer(
        redis_urls().coordination,
        "mentora-pace",
        answer_timeout_s=RedisSettings().timeout_s,
    )
