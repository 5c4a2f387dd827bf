"""Events that were handled long ago are forgotten."""

import dagster as dg

from assets.failures import PLATFORM_RETRIES, platform_step
from assets.operations.drains import DRAIN_TAGS
from mentora_pipelines.domain.events.outbox import HandledEvents


@dg.op(retry_policy=PLATFORM_RETRIES, out=dg.Out(dg.Nothing))
def forget_events(
    context: dg.OpExecutionContext, outbox: dg.ResourceParam[HandledEvents]
) -> None:
    """Deletes handled events after their time; what is pending or dead stays."""
    with platform_step():
        forgotten = outbox.forget()
    context.add_output_metadata({"forgotten": forgotten})


@dg.job(executor_def=dg.in_process_executor, tags=DRAIN_TAGS)
def event_retention_job() -> None:
    """Keeps the outbox small, so that its consumers stay fast."""
    forget_events()
