"""Where the services of this process are: hosted ones by URL, else embedded ones.

Here belongs the one decision between the two. Not here: clients of the services.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.settings.databases import (
    DagsterStorageSettings,
    DatabaseSettings,
)
from mentora_pipelines.settings.home import HomeSettings
from mentora_pipelines.settings.redis import RedisSettings
from mentora_pipelines.settings.storage import StorageSettings

if TYPE_CHECKING:
    from mentora_pipelines.local_stack import LocalServices


@dataclass(frozen=True)
class DatabaseUrls:
    """Plain `postgresql://` URLs of the two roles."""

    app: str = field(repr=False)
    admin: str = field(repr=False)
    embedded: bool


@dataclass(frozen=True)
class RedisUrls:
    """`redis://` URLs of the cache and of what must not be evicted."""

    cache: str = field(repr=False)
    coordination: str = field(repr=False)
    embedded: bool


def database_urls() -> DatabaseUrls:
    """The lessons' database; starts the embedded server when none is named."""
    settings = DatabaseSettings()
    if settings.app_url is not None and settings.admin_url is not None:
        return DatabaseUrls(
            settings.app_url.get_secret_value(),
            settings.admin_url.get_secret_value(),
            embedded=False,
        )
    local = _local_services()
    return DatabaseUrls(local.database_url, local.database_admin_url, embedded=True)


def dagster_postgres_url() -> str:
    """Dagster's database; starts the embedded server when none is named."""
    settings = DagsterStorageSettings()
    if settings.url is not None:
        return settings.url.get_secret_value()
    return _local_services().dagster_postgres_url


def redis_urls() -> RedisUrls:
    """Cache and coordination; starts the embedded servers when none is named."""
    settings = RedisSettings()
    if settings.cache_url is not None:
        return RedisUrls(
            cache=settings.cache_url.get_secret_value(),
            coordination=(
                settings.coordination_url or settings.cache_url
            ).get_secret_value(),
            embedded=False,
        )
    local = _local_services()
    return RedisUrls(
        cache=local.redis_url,
        coordination=(
            settings.coordination_url.get_secret_value()
            if settings.coordination_url
            else local.coordination_redis_url
        ),
        embedded=True,
    )


def storage_folder() -> Path:
    """The folder of the object storage that is no bucket, made when it is missing."""
    folder = StorageSettings().folder or HomeSettings().state_folder / "storage"
    (folder / "uploads").mkdir(parents=True, exist_ok=True)
    return folder


def mail_folder() -> Path:
    """Where mail lies on a machine without a mail server."""
    return HomeSettings().state_folder / "mail"


def _local_services() -> "LocalServices":
    from mentora_pipelines.local_stack import ensure_local_stack

    return ensure_local_stack(HomeSettings().state_folder)
