"""The health of the platform."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.providers.databases import admin_database

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.operations.platform_health import (
        PlatformHealthRows,
    )


@contextmanager
def open_platform_ledger() -> "Iterator[PlatformHealthRows]":
    """The history of the platform's health, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.operations.platform_health import (
        PlatformHealthRows,
    )

    with admin_database("mentora-platform") as database:
        yield PlatformHealthRows(database)
