"""The health of the platform."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.providers.databases import migrated_urls

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.platform_health import PlatformHealthRows


@contextmanager
def open_platform_ledger() -> "Iterator[PlatformHealthRows]":
    """The history of the platform's health, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.platform_health import PlatformHealthRows

    database = Database(migrated_urls().admin, "mentora-platform")
    try:
        yield PlatformHealthRows(database)
    finally:
        database.close()
