"""Events that were handled long ago are forgotten."""

import dagster as dg

from mentora_pipelines.domain.events.outbox import HandledEvents


@dg.op
def forget_events(
    context: dg.OpExecutionContext, outbox: dg.ResourceParam[HandledEvents]
) -> None:
    """Deletes handled events after their time; what is pending or dead stays."""
    context.add_output_metadata({"forgotten": outbox.forget()})


@dg.job
def event_retention_job() -> None:
    """Keeps the outbox small, so that its consumers stay fast."""
    forget_events()
