"""The drain of the mail outbox."""

import time

import dagster as dg

from assets.failures import PLATFORM_RETRIES, platform_step
from assets.operations.drains import DRAIN_TAGS
from mentora_pipelines.domain.operations.mail_delivery import (
    EmailOutbox,
    Mailer,
    MailRenderer,
    deliver_due,
)


@dg.op(retry_policy=PLATFORM_RETRIES, out=dg.Out(dg.Nothing))
def deliver_email(
    context: dg.OpExecutionContext,
    email_outbox: dg.ResourceParam[EmailOutbox],
    mail_renderer: dg.ResourceParam[MailRenderer],
    mailer: dg.ResourceParam[Mailer],
) -> None:
    """Send one batch of what is due, over one connection."""
    with platform_step():
        figures = deliver_due(
            email_outbox, mail_renderer, mailer, monotonic=time.monotonic
        )
    context.add_output_metadata(
        {
            "messages": figures.messages,
            "mails sent": figures.sent,
            "later": figures.later,
            "failed": figures.failed,
            "left for the next run": figures.untried,
        }
    )


@dg.job(executor_def=dg.in_process_executor, tags=DRAIN_TAGS)
def deliver_email_job() -> None:
    """The mails that are due are sent, a batch a run."""
    deliver_email()
