"""A run that sends, while mail is due."""

import dagster as dg

from assets.cockpit import OPERATIONS, team
from assets.operations.email_delivery import deliver_email_job
from assets.triggers import watched
from mentora_pipelines.domain.operations.mail_delivery import EmailOutbox
from sensors.drains import drain_run

QUIET_S = 10
"""Seconds between two looks: a mail may wait that long, and a look is one query."""


@dg.sensor(
    # By name: Dagster copies a sensor that holds a job, and warns about the copy.
    job_name=deliver_email_job.name,
    minimum_interval_seconds=QUIET_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for one run when mail is due and none is on its way.",
    tags=team(OPERATIONS),
)
@watched
def due_email(
    context: dg.SensorEvaluationContext, email_outbox: dg.ResourceParam[EmailOutbox]
) -> dg.RunRequest | dg.SkipReason:
    """Asks for one run when mail is due and none is on its way."""
    if not email_outbox.has_due():
        return dg.SkipReason("no mail is due")
    return drain_run(context, deliver_email_job)
