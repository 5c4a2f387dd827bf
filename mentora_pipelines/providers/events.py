"""The outbox of events."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.providers.databases import admin_database, migrated_urls
from mentora_pipelines.settings.flow import FlowSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.events.event_outbox import (
        PostgresEventOutbox,
    )


@contextmanager
def open_event_outbox() -> "Iterator[PostgresEventOutbox]":
    """The queue of events across creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.events.event_outbox import (
        PostgresEventOutbox,
    )

    with admin_database("mentora-events") as database:
        yield PostgresEventOutbox(
            database, FlowSettings().plan_weights, cursor_secret=migrated_urls().admin
        )
