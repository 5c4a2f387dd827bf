"""Fills the templates of mail."""

import dagster as dg

from mentora_pipelines.domain.operations.mail_delivery import MailRenderer
from mentora_pipelines.providers.mail import make_mail_renderer
from resources.opening import made


class MailRendererResource(dg.ConfigurableResource[MailRenderer]):
    """Fills the templates of mail."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> MailRenderer:
        """The adapter, with the address that links lead to."""
        return make_mail_renderer()
