"""The outbox of events."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.events import open_event_outbox
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.events.event_outbox import (
        PostgresEventOutbox,
    )


class EventOutboxResource(dg.ConfigurableResource["PostgresEventOutbox"]):
    """The queue of events across creators, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[PostgresEventOutbox]":
        """The outbox, its connections closed at the end of the tick."""
        with open_event_outbox() as outbox:
            yield outbox
