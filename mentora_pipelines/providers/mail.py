"""Mail: what is to be sent, its text, and who hands it over."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.providers.databases import admin_database
from mentora_pipelines.services import mail_folder
from mentora_pipelines.settings.mail import MailSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.eml_folder import EmlFolder
    from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer
    from mentora_pipelines.adapters.postgres.operations.email_outbox import (
        EmailOutboxRows,
    )
    from mentora_pipelines.adapters.smtp import SmtpMailer


@contextmanager
def open_email_outbox() -> "Iterator[EmailOutboxRows]":
    """The mails to send, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.operations.email_outbox import (
        EmailOutboxRows,
    )

    with admin_database("mentora-mail") as database:
        yield EmailOutboxRows(database)


@contextmanager
def open_mailer() -> "Iterator[SmtpMailer | EmlFolder]":
    """Hands mail over, to a server or into a folder; closed at the end."""
    with closing(make_mailer()) as mailer:
        yield mailer


def make_mailer() -> "SmtpMailer | EmlFolder":
    """Hands mail over; the caller closes it."""
    from mentora_pipelines.adapters.eml_folder import EmlFolder
    from mentora_pipelines.adapters.smtp import SmtpMailer

    settings = MailSettings()
    if settings.server is None:
        return EmlFolder(mail_folder(), settings.sender)
    return SmtpMailer(settings.server, settings.sender)


def make_mail_renderer() -> "JinjaMailRenderer":
    """Fills the templates of mail."""
    from mentora_pipelines.adapters.mail_renderer import JinjaMailRenderer

    return JinjaMailRenderer(MailSettings().app_url)
