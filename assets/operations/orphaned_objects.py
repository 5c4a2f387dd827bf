"""What nobody names any more goes, some days after it was last needed."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from assets.failures import PLATFORM_RETRIES, platform_step
from assets.tags import run_limits
from mentora_pipelines.domain.operations.orphan_ledger import OrphanLedger
from mentora_pipelines.domain.operations.orphans import collect_orphans
from mentora_pipelines.domain.operations.unused_vectors import (
    VectorLedger,
    collect_vectors,
)
from mentora_pipelines.domain.storage import StorageKeeper
from mentora_pipelines.settings.storage import StorageSettings


def _grace() -> timedelta:
    return timedelta(days=StorageSettings().orphan_grace_days)


@dg.op(retry_policy=PLATFORM_RETRIES, out=dg.Out(dg.Nothing))
def collect_objects(
    context: dg.OpExecutionContext,
    storage: dg.ResourceParam[StorageKeeper],
    orphans: dg.ResourceParam[OrphanLedger],
) -> None:
    """Deletes objects of deleted and replaced videos, and unfinished writes.

    Fails, deleting nothing, when the database seems to have lost its lessons.
    """
    with platform_step():
        collected = collect_orphans(
            storage, orphans, now=datetime.now(UTC), grace=_grace()
        )
    context.add_output_metadata(collected.as_plain())


@dg.op(retry_policy=PLATFORM_RETRIES, out=dg.Out(dg.Nothing))
def collect_unused_vectors(
    context: dg.OpExecutionContext, orphans: dg.ResourceParam[VectorLedger]
) -> None:
    """Deletes vectors of texts that left every version of their lesson."""
    with platform_step():
        deleted = collect_vectors(orphans, now=datetime.now(UTC), grace=_grace())
    context.add_output_metadata({"deleted": deleted})


@dg.job(
    executor_def=dg.in_process_executor,
    # A bucket of a million objects is listed in a thousand requests.
    tags=run_limits(3600),
)
def orphaned_objects_job() -> None:
    """Keeps storage and vectors to what lessons need."""
    collect_objects()
    collect_unused_vectors()
