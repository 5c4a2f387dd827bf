"""The Redis or Valkey servers: the cache, and what must not be evicted."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from mentora_pipelines.settings.base import Settings


def _redis_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        is_read = parts.hostname is not None and parts.port != 0
    except ValueError:
        # A password with a slash in it ends in the place of the port.
        is_read = False
    if not is_read or parts.scheme not in ("redis", "rediss"):
        raise ValueError(
            "must be redis://… or rediss://… (TLS), each part percent-encoded"
        )
    return url


RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]


class RedisSettings(Settings):
    """Cache and coordination; the embedded servers when `REDIS_URL` is unset."""

    cache_url: RedisUrl | None = Field(None, alias="REDIS_URL")
    coordination_url: RedisUrl | None = Field(
        None, alias="MENTORA_COORDINATION_REDIS_URL"
    )
    prefix: str = Field(
        "", max_length=64, pattern="^[A-Za-z0-9_.:-]*$", alias="MENTORA_CACHE_PREFIX"
    )
    timeout_s: float = Field(0.2, gt=0, le=10, alias="MENTORA_CACHE_TIMEOUT_S")
