"""Search stays whole and good by itself, night by night."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.generations.building import BuildFigures, build_generation
from mentora_pipelines.domain.generations.generations import (
    Generation,
    GenerationStatus,
    GenerationStore,
    active_generation,
    generation_now,
)
from mentora_pipelines.domain.generations.swapping import (
    Judge,
    index_generation,
    swap_generation,
)
from mentora_pipelines.domain.lessons.embeddings import Embedders, EmbeddingModel
from mentora_pipelines.domain.search_quality import SearchFigures
from mentora_pipelines.errors import Busy, PermanentError


@dataclass(frozen=True, slots=True)
class UpkeepFigures:
    """What `tend_generations` found and did.

    `left_to_others` are models whose vectors somebody else makes at the same time;
    `not_swapped` says of the others that are being built why they are not searched.
    """

    active: EmbeddingModel | None
    caught_up: BuildFigures
    recall: float | None
    golden: SearchFigures | None
    swapped_to: EmbeddingModel | None
    left_to_others: tuple[EmbeddingModel, ...]
    not_swapped: Mapping[EmbeddingModel, str]


@runtime_checkable
class SearchUpkeep(Protocol):
    """All that search needs to stay good."""

    def tend(self) -> UpkeepFigures:
        """What `tend_generations` does, with the real models and the golden set."""
        ...


def tend_generations(
    *,
    store: GenerationStore,
    embedders: Embedders,
    judge: Judge,
) -> UpkeepFigures:
    """Keep what is searched whole and good, and finish what is being built.

    Vectors that the active generation lacks are made, its index is built once it pays,
    and anew when it has come to lose too much. Then each generation that is building
    is completed and swapped in, unless somebody else is at it or the gate is closed.
    Raises `Busy` when somebody else tends the active one, and what its model raises.
    """
    active = active_generation(store.generations())
    caught_up, recall, golden = BuildFigures(), None, None
    if active is not None:
        with store.turn(active):
            caught_up = build_generation(
                active.id, embedder=embedders.of(active.model), store=store
            )
            active, recall = index_generation(generation_now(active.id, store), store)
            golden = judge(active.model)
            store.record_figures(active.id, recall, golden.mrr if golden else None)
    swapped_to = None
    left: list[EmbeddingModel] = []
    not_swapped: dict[EmbeddingModel, str] = {}
    for generation in _building(store):
        try:
            with store.turn(generation):
                # Whoever had the turn before may have ended it.
                if generation.id not in {g.id for g in _building(store)}:
                    continue
                embedder = embedders.of(generation.model)
                build_generation(generation.id, embedder=embedder, store=store)
                swap_generation(
                    generation_now(generation.id, store),
                    embedder=embedder,
                    store=store,
                    judge=judge,
                )
        except Busy:
            left.append(generation.model)
        except PermanentError as error:
            # The next one may be better.
            not_swapped[generation.model] = str(error)
        else:
            swapped_to = generation.model
    return UpkeepFigures(
        None if active is None else active.model,
        caught_up,
        recall,
        golden,
        swapped_to,
        tuple(left),
        not_swapped,
    )


def _building(store: GenerationStore) -> list[Generation]:
    return [g for g in store.generations() if g.status is GenerationStatus.BUILDING]
