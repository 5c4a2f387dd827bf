"""Hands mail over, to a server or into a folder."""

from collections.abc import Iterator

import dagster as dg

from mentora_pipelines.domain.operations.mail_delivery import Mailer
from mentora_pipelines.providers.mail import open_mailer
from resources.opening import opened


class MailerResource(dg.ConfigurableResource[Mailer]):
    """Hands mail over, to a server or into a folder."""

    @opened
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Mailer]:
        """The adapter that the settings choose, its connection closed at the end."""
        with open_mailer() as mailer:
            yield mailer
