"""Another generation is searched: the gate that it passes, the way back, the end.

Not here: how its vectors are made (`building`), SQL, or the golden set.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mentora_pipelines.domain.generations.building import build_generation
from mentora_pipelines.domain.generations.generations import (
    Generation,
    GenerationStatus,
    GenerationStore,
    active_generation,
    generation_now,
)
from mentora_pipelines.domain.lessons.embeddings import Embedder, EmbeddingModel
from mentora_pipelines.domain.search_quality import SearchFigures
from mentora_pipelines.errors import Conflict, PermanentError

MIN_RECALL = 0.98
"""Of recall@10 by the index against comparing every vector: what the candidates of
`search_candidates` (migration 0016) are chosen for."""

MAX_LOSS = 0.02
"""Of the golden set's hit rate and MRR that a new model may be worse by. Among its 83
questions one that moves from the first place to none moves either by 0.012."""

INDEX_FROM = 5_000
"""Vectors from which an index is built: fewer are compared one by one in less time."""

CATCH_UPS = 5
"""Times that a swap is tried again when a lesson has been published meanwhile."""

Judge = Callable[[EmbeddingModel], SearchFigures | None]
"""What a model makes of the golden set; None where the model cannot be asked."""


@dataclass(frozen=True, slots=True)
class GateFigures:
    """What was measured before a swap; `faults` are why it must not happen."""

    recall: float | None
    hit_rate: float | None
    mrr: float | None
    active_hit_rate: float | None
    active_mrr: float | None

    @property
    def faults(self) -> tuple[str, ...]:
        """Each limit that is passed, as a sentence."""
        faults = []
        if self.recall is not None and self.recall < MIN_RECALL:
            faults.append(
                f"the index finds {self.recall:.3f} of the nearest, less than "
                f"{MIN_RECALL}"
            )
        for name, new, old in (
            ("hit rate", self.hit_rate, self.active_hit_rate),
            ("MRR", self.mrr, self.active_mrr),
        ):
            if new is not None and old is not None and new < old - MAX_LOSS:
                faults.append(
                    f"the golden set's {name} falls from {old:.3f} to {new:.3f}"
                )
        return tuple(faults)


class GateClosed(PermanentError):
    """A generation is not good enough to be searched; nothing was changed."""

    def __init__(self, figures: GateFigures) -> None:
        super().__init__(
            f"the new vectors are not searched: {'; '.join(figures.faults)}"
        )
        self.figures = figures


def index_generation(
    generation: Generation, store: GenerationStore
) -> tuple[Generation, float | None]:
    """Build the index once it pays, and anew when it loses too much.

    Returns the generation as it is by now and the recall of its index (0 to 1), None
    where nothing is lost: there is no index, or nothing to search.
    """
    if generation.vectors >= INDEX_FROM and not generation.is_indexed:
        store.build_index(generation)
        generation = generation_now(generation.id, store)
    recall = store.measure_recall(generation)
    if recall is not None and recall < MIN_RECALL:
        store.build_index(generation)
        recall = store.measure_recall(generation)
    return generation, recall


def measure_generation(
    generation: Generation, *, store: GenerationStore, judge: Judge
) -> GateFigures:
    """Recall of the index, and the golden set by this model and by the active one.

    The index is built first where it pays; what was measured is kept.
    """
    generation, recall = index_generation(generation, store)
    active = active_generation(store.generations())
    new = judge(generation.model)
    old = judge(active.model) if active is not None else None
    store.record_figures(generation.id, recall, None if new is None else new.mrr)
    return GateFigures(
        recall=recall,
        hit_rate=None if new is None else new.recall_at[10],
        mrr=None if new is None else new.mrr,
        active_hit_rate=None if old is None else old.recall_at[10],
        active_mrr=None if old is None else old.mrr,
    )


def swap_generation(
    generation: Generation,
    *,
    embedder: Embedder,
    store: GenerationStore,
    judge: Judge,
) -> GateFigures:
    """Search this generation from now on, if it holds everything and passes the gate.

    Raises `GateClosed` when it does not pass, and `PermanentError` when vectors are
    still missing; then the active one stays.
    """
    figures = measure_generation(generation, store=store, judge=judge)
    if figures.faults:
        raise GateClosed(figures)
    _activate(generation, embedder=embedder, store=store)
    return figures


def return_to_generation(
    generation: Generation, *, embedder: Embedder, store: GenerationStore
) -> None:
    """Search these vectors again, whatever is measured.

    Somebody goes back because figures deceived, or because the model that is searched
    cannot be asked any more: it is asked for nothing. Raises `PermanentError` when
    vectors are missing and cannot be made.
    """
    if generation.vectors >= INDEX_FROM and not generation.is_indexed:
        store.build_index(generation)
    _activate(generation, embedder=embedder, store=store)


def _activate(
    generation: Generation, *, embedder: Embedder, store: GenerationStore
) -> None:
    for _ in range(CATCH_UPS):
        if store.activate(generation.id):
            return
        # Lessons were published since the build.
        built = build_generation(generation.id, embedder=embedder, store=store)
        if built.refused:
            break
    raise PermanentError(
        "vectors are still missing: a creator's budget does not allow them, or lessons "
        "are published faster than they are embedded; the active vectors stay"
    )


def drop_generation(generation: Generation, store: GenerationStore) -> None:
    """Delete a generation; raises `Conflict` for the one that is searched.

    Raises `Busy` while somebody builds it, and `NotFound` when it is gone.
    """
    with store.turn(generation):
        # Whoever had the turn before may have gone back to it.
        generation = generation_now(generation.id, store)
        if generation.status is GenerationStatus.ACTIVE:
            raise Conflict(
                f"{generation.model.model} is what is searched: build another one first"
            )
        store.drop_generation(generation)
