"""Looks at lessons: whether their videos can be played, and what else is missing."""

from collections.abc import Mapping
from typing import TypeAlias
from uuid import UUID, uuid5

import dagster as dg

from assets.cockpit import OPERATIONS, table_metadata
from assets.failures import platform_step
from assets.partitions import health_weeks
from assets.tags import run_limits
from mentora_pipelines.domain.identity import NAMESPACE
from mentora_pipelines.domain.operations.content_health import (
    HealthOutcome,
    LessonProber,
)
from mentora_pipelines.domain.operations.health_looks import (
    HealthLedger,
    LookFigures,
    LookScope,
    look,
)
from mentora_pipelines.domain.operations.lesson_gaps import Gap, GapFinder, GapKind

Figures: TypeAlias = dict[str, int | list[str]]

# Ten thousand lessons on slow hosts; a look that is tried again goes on. Nobody waits.
LOOK_TAGS = run_limits(4 * 3600, priority=-10)

LOOK_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL)


@dg.asset(
    group_name="operations",
    kinds={"postgres"},
    partitions_def=health_weeks,
    retry_policy=LOOK_RETRIES,
    owners=[OPERATIONS],
    metadata=table_metadata("content_health"),
)
def content_health(
    context: dg.AssetExecutionContext,
    health_ledger: dg.ResourceParam[HealthLedger],
    lesson_prober: dg.ResourceParam[LessonProber],
    lesson_gaps: dg.ResourceParam[GapFinder],
) -> dg.MaterializeResult[None]:
    """Whether the video of every completed lesson can be played.

    Creators are told of lessons that failed several times, once, and of recoveries.
    """
    with platform_step():
        figures = look(
            LookScope.ALL, _look_id(context.run.run_id), health_ledger, lesson_prober
        )
        gaps = lesson_gaps.gaps()
    return dg.MaterializeResult(metadata={**_figures(figures), **_gap_figures(gaps)})


@dg.op(retry_policy=LOOK_RETRIES, out=dg.Out(dg.Nothing))
def look_at_suspects(
    context: dg.OpExecutionContext,
    health_ledger: dg.ResourceParam[HealthLedger],
    lesson_prober: dg.ResourceParam[LessonProber],
) -> None:
    """Probe again what failed, or could not be judged, when it was last probed."""
    with platform_step():
        figures = look(
            LookScope.SUSPECTS, _look_id(context.run_id), health_ledger, lesson_prober
        )
    context.add_output_metadata(_figures(figures))


content_health_job = dg.define_asset_job(
    "content_health_job",
    selection=["content_health"],
    tags=LOOK_TAGS,
    description="The videos of all completed lessons are asked for, once a week.",
)


@dg.job(executor_def=dg.in_process_executor, tags=LOOK_TAGS)
def suspect_lessons_job() -> None:
    """Lessons whose last probe failed are probed again, once a day."""
    look_at_suspects()


def _look_id(run_id: str) -> UUID:
    """The same at each try of a run, so that it goes on where it was."""
    return uuid5(NAMESPACE, f"look\n{run_id}")


def _figures(figures: LookFigures) -> Figures:
    named: Figures = {"lessons": figures.lessons}
    named |= {outcome.value: figures.outcomes[outcome] for outcome in HealthOutcome}
    named |= {
        "not media": figures.not_media,
        "renewed links": figures.renewed_links,
        "pages without network": figures.pages_without_network,
        "digests": figures.told.digests,
        "alerts": figures.told.alerts,
        "recoveries": figures.told.recoveries,
        "creators without address": figures.told.unreachable,
        "forgotten probes": figures.forgotten,
    }
    return named | {
        f"examples: {name}": [str(video_id) for video_id in video_ids]
        for name, video_ids in sorted(figures.examples.items())
        if video_ids
    }


def _gap_figures(gaps: Mapping[GapKind, Gap]) -> Figures:
    named: Figures = {kind.value: gap.lessons for kind, gap in gaps.items()}
    return named | {
        f"examples: {kind.value}": [str(video_id) for video_id in gap.examples]
        for kind, gap in gaps.items()
        if gap.examples
    }
