"""What counts requests, for code that waits and for event loops."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.services import redis_urls
from mentora_pipelines.settings.redis import RedisSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.valkey.async_rate_limiter import (
        AsyncValkeyRateLimiter,
    )
    from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter


@contextmanager
def open_rate_limiter() -> "Iterator[ValkeyRateLimiter]":
    """Counts what is limited, for code that may wait; closed at the end."""
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer
    from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter

    settings = RedisSettings()
    with closing(
        ValkeyServer(
            redis_urls().coordination,
            "mentora-limits",
            answer_timeout_s=settings.timeout_s,
        )
    ) as server:
        yield ValkeyRateLimiter(server, prefix=settings.prefix)


def make_async_rate_limiter() -> "AsyncValkeyRateLimiter":
    """Counts what is limited, for one event loop; whoever makes it closes it."""
    from mentora_pipelines.adapters.valkey.async_connection import AsyncValkeyServer
    from mentora_pipelines.adapters.valkey.async_rate_limiter import (
        AsyncValkeyRateLimiter,
    )

    settings = RedisSettings()
    server = AsyncValkeyServer(
        redis_urls().coordination, "mentora-limits", call_timeout_s=settings.timeout_s
    )
    return AsyncValkeyRateLimiter(server, prefix=settings.prefix)
