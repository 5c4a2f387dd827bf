"""The mails to send, as the admin role."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.mail import open_email_outbox
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.email_outbox import EmailOutboxRows


class EmailOutboxResource(dg.ConfigurableResource["EmailOutboxRows"]):
    """The mails to send, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[EmailOutboxRows]":
        """The outbox, its connections closed at the end of the run."""
        with open_email_outbox() as outbox:
            yield outbox
