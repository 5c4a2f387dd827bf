"""The drain of unlocked achievements."""

import dagster as dg

from assets.failures import PLATFORM_RETRIES, platform_step
from assets.operations.drains import DRAIN_TAGS
from mentora_pipelines.domain.operations.achievements import (
    AchievementLedger,
    unlock_due,
)


@dg.op(retry_policy=PLATFORM_RETRIES, out=dg.Out(dg.Nothing))
def unlock_achievements(
    context: dg.OpExecutionContext,
    achievements: dg.ResourceParam[AchievementLedger],
) -> None:
    """Grant one batch of what is due, each once."""
    with platform_step():
        figures = unlock_due(achievements)
    context.add_output_metadata(
        {
            "granted": figures.granted,
            "granted before": figures.repeated,
            "given up": figures.dead,
            "later": figures.later,
            "another run's": figures.gone,
        }
    )


@dg.job(executor_def=dg.in_process_executor, tags=DRAIN_TAGS)
def unlock_achievements_job() -> None:
    """Achievements that students unlocked are granted, a batch a run."""
    unlock_achievements()
