"""The cache and its invalidation."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.services import redis_urls
from mentora_pipelines.settings.redis import RedisSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.valkey.cache import ValkeyCache


@contextmanager
def open_cache() -> "Iterator[ValkeyCache]":
    """The cache and its invalidation; closed at the end.

    Nothing is asked here: a server that is away is met, and borne, at first use.
    """
    from mentora_pipelines.adapters.valkey.cache import ValkeyCache
    from mentora_pipelines.adapters.valkey.connection import ValkeyServer

    urls, settings = redis_urls(), RedisSettings()
    patience = settings.timeout_s
    with (
        closing(
            ValkeyServer(urls.cache, "mentora-cache", answer_timeout_s=patience)
        ) as values,
        closing(
            ValkeyServer(
                urls.coordination, "mentora-cache-index", answer_timeout_s=patience
            )
        ) as index,
        closing(ValkeyCache(values, index, settings.prefix)) as cache,
    ):
        yield cache
