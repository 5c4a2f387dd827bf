"""The vectors that are searched: whole, indexed, measured, and exchanged."""

from collections.abc import Iterator

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.failures import PLATFORM_RETRIES, platform_step
from assets.tags import run_limits
from mentora_pipelines.domain.generations.swapping import MIN_RECALL
from mentora_pipelines.domain.generations.upkeep import SearchUpkeep


@dg.asset(
    group_name="search",
    owners=[LESSONS],
    metadata=table_metadata("search_index"),
    kinds={"pgvector"},
    retry_policy=PLATFORM_RETRIES,
    pool="embedding",
    check_specs=[
        dg.AssetCheckSpec(
            "the_index_finds_the_nearest",
            asset="search_index",
            description="Recall@10 of the index, built anew when it was less, is 0.98.",
        ),
        dg.AssetCheckSpec(
            "what_is_built_can_be_searched",
            asset="search_index",
            description="No generation that is complete stays outside the gate.",
        ),
    ],
)
def search_index(
    search_upkeep: dg.ResourceParam[SearchUpkeep],
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Vectors of every published text, found by an index that loses next to none.

    What is missing is made, the index is built anew when its recall falls below 0.98,
    and each generation that is being built, unless somebody else is at it, is
    completed, measured against the active one and swapped in.
    """
    with platform_step():
        figures = search_upkeep.tend()
    measured: dict[str, float] = {}
    if figures.recall is not None:
        measured["recall_at_10"] = figures.recall
    if figures.golden is not None:
        measured["golden_hit_rate_at_10"] = figures.golden.recall_at[10]
        measured["golden_mrr"] = figures.golden.mrr
    yield dg.MaterializeResult(
        metadata={
            "model": "none" if figures.active is None else figures.active.model,
            "swapped_to": (
                "" if figures.swapped_to is None else figures.swapped_to.model
            ),
            "left_to_others": [model.model for model in figures.left_to_others],
            "caught_up": figures.caught_up.embedded,
            "without_budget": len(figures.caught_up.refused),
            **measured,
        }
    )
    yield dg.AssetCheckResult(
        check_name="the_index_finds_the_nearest",
        passed=figures.recall is None or figures.recall >= MIN_RECALL,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=dict(measured),
    )
    yield dg.AssetCheckResult(
        check_name="what_is_built_can_be_searched",
        passed=not figures.not_swapped,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={model.model: why for model, why in figures.not_swapped.items()},
    )


search_index_job = dg.define_asset_job(
    "search_index_job",
    selection=dg.AssetSelection.assets(search_index),
    # Another model for a large platform takes hours; what is made stays when it ends.
    tags=run_limits(6 * 3600),
    description="Search is measured, and its vectors are completed.",
)
