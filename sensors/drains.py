"""When a drain is asked for: one run at a time, while there is something to do."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.runs import UNFINISHED

LOST_AFTER = timedelta(minutes=30)
"""An older run that never ended waits for no reason, or nobody has noticed its end: it
stops no other. Two drains at once do no harm, they share the queue."""


def drain_run(
    context: dg.SensorEvaluationContext, job: dg.JobDefinition
) -> dg.RunRequest | dg.SkipReason:
    """A request for a run of `job`, unless one is on its way.

    Without a run key: each batch is a run of its own, and a request that is repeated
    finds an empty queue.
    """
    unfinished = context.instance.get_runs_count(
        dg.RunsFilter(
            job_name=job.name,
            statuses=UNFINISHED,
            created_after=datetime.now(UTC) - LOST_AFTER,
        )
    )
    if unfinished:
        return dg.SkipReason(f"a run of {job.name} is on its way")
    return dg.RunRequest()
