"""The vectors that are searched: whole, indexed, measured, and exchanged."""

import dagster as dg

from assets.cockpit import LESSONS, table_metadata
from assets.observation import platform_step
from assets.operations.drains import DRAIN_RETRIES
from mentora_pipelines.domain.generations import SearchUpkeep

MAX_RUNTIME_S = 6 * 3600
"""Another model for a large platform takes hours; what is made stays when it ends."""


@dg.asset(
    group_name="search",
    owners=[LESSONS],
    metadata=table_metadata("search_index"),
    kinds={"pgvector"},
    retry_policy=DRAIN_RETRIES,
    pool="embedding",
)
def search_index(
    search_upkeep: dg.ResourceParam[SearchUpkeep],
) -> dg.MaterializeResult[None]:
    """Vectors of every published text, found by an index that loses next to none.

    What is missing is made, the index is built anew when its recall falls below 0.98,
    and a generation that is being built, unless somebody else is at it, is completed,
    measured against the active one and swapped in.
    """
    with platform_step():
        figures = search_upkeep.tend()
    measured: dict[str, float] = {}
    if figures.recall is not None:
        measured["recall_at_10"] = figures.recall
    if figures.golden is not None:
        measured["golden_hit_rate_at_10"] = figures.golden.recall_at[10]
        measured["golden_mrr"] = figures.golden.mrr
    return dg.MaterializeResult(
        metadata={
            "model": "none" if figures.active is None else figures.active.model,
            "swapped_to": (
                "" if figures.swapped_to is None else figures.swapped_to.model
            ),
            "left_to_others": [model.model for model in figures.left_to_others],
            "caught_up": figures.caught_up.embedded,
            "without_budget": len(figures.caught_up.refused),
            "index_rebuilt": figures.rebuilt_index,
            **measured,
        }
    )


search_index_job = dg.define_asset_job(
    "search_index_job",
    selection=dg.AssetSelection.assets(search_index),
    tags={"dagster/max_runtime": str(MAX_RUNTIME_S)},
    description="Search is measured, and its vectors are completed.",
)
