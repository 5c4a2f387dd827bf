"""Mail: what is to be sent, its text, and who hands it over."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.domain.operations.mail_delivery import Mailer, MailRenderer
from mentora_pipelines.providers.mail import (
    make_mail_renderer,
    open_email_outbox,
    open_mailer,
)
from resources.opening import made, opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.operations.email_outbox import (
        EmailOutboxRows,
    )


class EmailOutboxResource(dg.ConfigurableResource["EmailOutboxRows"]):
    """The mails to send, as the admin role."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[EmailOutboxRows]":
        """The outbox, its connections closed at the end of the run."""
        with open_email_outbox() as outbox:
            yield outbox


class MailerResource(dg.ConfigurableResource[Mailer]):
    """Hands mail over, to a server or into a folder."""

    @opened
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Mailer]:
        """The adapter that the settings choose, its connection closed at the end."""
        with open_mailer() as mailer:
            yield mailer


class MailRendererResource(dg.ConfigurableResource[MailRenderer]):
    """Fills the templates of mail."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> MailRenderer:
        """The adapter, with the address that links lead to."""
        return make_mail_renderer()
