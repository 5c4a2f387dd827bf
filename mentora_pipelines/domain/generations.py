"""Generations: another embedding model is built beside the one that is searched.

Here belong the life of a generation, the gate that it must pass, and the order of the
steps: build, index, measure, swap, retire. Not here: SQL, models, the golden set.

A generation is `building` (written, not searched), `active` (one at a time) or
`retired` (kept, so that the way back is a swap). What is missing in it follows from the
chunks alone, so that a build taken up again asks for nothing twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.lessons.embeddings import (
    Embedder,
    EmbeddingModel,
    check_vectors,
    embedded_batches,
)
from mentora_pipelines.domain.search_quality import SearchFigures
from mentora_pipelines.domain.spending.usage import Payer, paid_by
from mentora_pipelines.errors import (
    Busy,
    Conflict,
    InvalidInput,
    NotFound,
    OverBudget,
    PermanentError,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_RECALL = 0.98
"""Of recall@10 by the index against comparing every vector. pgvector's HNSW with its
default build and 100 candidates finds more at 100,000 vectors of 384 dimensions."""

MAX_LOSS = 0.02
"""Of the golden set's hit rate and MRR that a new model may be worse by. Among sixty
questions one that moves from the first place to none moves either by 0.017."""

INDEX_FROM = 5_000
"""Vectors from which an index is built: fewer are compared one by one in less time."""

CATCH_UPS = 5
"""Times that a swap is tried again when a lesson has been published meanwhile."""


class GenerationStatus(StrEnum):
    """What a generation is for."""

    BUILDING = "building"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Generation:
    """One embedding model's vectors; `recall` and `golden_mrr` (0 to 1) if measured."""

    id: UUID
    model: EmbeddingModel
    status: GenerationStatus
    vectors: int
    """Counted, not estimated."""
    is_indexed: bool
    recall: float | None
    golden_mrr: float | None
    created_at: datetime
    activated_at: datetime | None


@dataclass(frozen=True, slots=True)
class MissingTexts:
    """The texts of a video that have no vector in a generation, by hash."""

    video_id: UUID
    creator_id: UUID
    texts: Mapping[str, str]


@runtime_checkable
class GenerationStore(Protocol):
    """Every generation and its vectors, as the admin role."""

    def generations(self) -> list[Generation]:
        """All of them, the oldest first."""
        ...

    def turn(self, generation: Generation) -> AbstractContextManager[None]:
        """Alone at work on a generation, so that no text is paid for twice.

        Raises `Busy` when somebody else is at work on it.
        """
        ...

    def begin_generation(self, model: EmbeddingModel) -> Generation:
        """The model's generation; made, as `building`, when there is none."""
        ...

    def missing_texts(self, generation_id: UUID) -> Iterator[MissingTexts]:
        """Video by video, what published and staged chunks say and has no vector."""
        ...

    def add_vectors(
        self,
        generation_id: UUID,
        missing: MissingTexts,
        text_hashes: Sequence[str],
        vectors: "NDArray[np.float32]",
    ) -> int:
        """Store one vector per hash; rows that exist stay. Returns rows added."""
        ...

    def build_index(self, generation: Generation) -> None:
        """Build the index on the vectors that are there; nobody waits meanwhile."""
        ...

    def measure_recall(self, generation: Generation) -> float | None:
        """Recall@10 of a search by index against one without, over sampled chunks.

        None when nothing is published, or when there is no index to lose by.
        """
        ...

    def record_figures(
        self, generation_id: UUID, recall: float | None, golden_mrr: float | None
    ) -> None:
        """Keep what was measured last."""
        ...

    def activate(self, generation_id: UUID) -> bool:
        """Search this generation, and keep the active one as `retired`; whether done.

        In one transaction, and only when no published or staged text lacks a vector.
        """
        ...

    def drop_generation(self, generation: Generation) -> None:
        """Delete a generation that is not active with its vectors, which are a table.

        Raises `Conflict` for the active one.
        """
        ...


Judge = Callable[[EmbeddingModel], SearchFigures | None]
"""What a model makes of the golden set; None where the model cannot be asked."""


@dataclass(frozen=True, slots=True)
class BuildFigures:
    """What a build has done; `refused` are creators without budget for it."""

    videos: int = 0
    embedded: int = 0
    calls: int = 0
    refused: frozenset[UUID] = field(default_factory=frozenset)


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


def active_generation(generations: Sequence[Generation]) -> Generation | None:
    """The one that is searched; None in a database without vectors."""
    return next((g for g in generations if g.status is GenerationStatus.ACTIVE), None)


def generation_of_name(generations: Sequence[Generation], name: str) -> Generation:
    """The generation of a model's name, or of NAME:DIMENSIONS.

    Raises `NotFound`, and `InvalidInput` for a name that several have.
    """
    found = [g for g in generations if name in _names(g.model)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(_names(g.model)[-1] for g in found or generations))
    if found:
        raise InvalidInput(f"{name!r} are several: say which of {known}")
    raise NotFound(
        f"there are no vectors of {name!r}; there are those of: {known or 'none'}"
    )


def _names(model: EmbeddingModel) -> tuple[str, ...]:
    """What people call a model; the last one tells it from all others."""
    whole = f"{model.provider}/{model.model}"
    return (
        model.model,
        whole,
        f"{model.model}:{model.dimensions}",
        f"{whole}:{model.dimensions}",
    )


def generation_now(generation_id: UUID, store: GenerationStore) -> Generation:
    """What is known of a generation by now; raises `NotFound` when it was dropped."""
    for generation in store.generations():
        if generation.id == generation_id:
            return generation
    raise NotFound("the vectors have been dropped meanwhile")


def build_generation(
    generation_id: UUID,
    *,
    embedder: Embedder,
    store: GenerationStore,
    on_video: Callable[[int], None] = lambda _: None,
) -> BuildFigures:
    """Embed what has no vector in a generation, each video at its creator's cost.

    Stored batch by batch: after a crash only what is missing is asked for. A creator
    whose budget does not allow it is passed over and named. `on_video` is told the
    texts of each video that is done.
    """
    videos = embedded = calls = 0
    refused = set()
    for missing in store.missing_texts(generation_id):
        if missing.creator_id in refused:
            continue
        payer = Payer(missing.creator_id, missing.video_id)
        hashes = list(missing.texts)
        texts = list(missing.texts.values())
        try:
            for batch in embedded_batches(paid_by(embedder, payer), texts):
                check_vectors(
                    batch.vectors, len(batch.places), embedder.model.dimensions
                )
                of_batch = [hashes[place] for place in batch.places]
                store.add_vectors(generation_id, missing, of_batch, batch.vectors)
                embedded += len(of_batch)
                calls += batch.is_new
        except OverBudget:
            refused.add(missing.creator_id)
            continue
        videos += 1
        on_video(len(texts))
    return BuildFigures(videos, embedded, calls, frozenset(refused))


def measure_generation(
    generation: Generation,
    active: Generation | None,
    *,
    store: GenerationStore,
    judge: Judge,
) -> GateFigures:
    """Recall of the index, and the golden set by this model and by the active one."""
    new = judge(generation.model)
    old = judge(active.model) if active is not None else None
    return GateFigures(
        recall=store.measure_recall(generation),
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
    is_gated: bool = True,
) -> GateFigures:
    """Search this generation from now on, if it holds everything and passes the gate.

    Not `is_gated`: somebody goes back, because the figures of the newer one deceived.

    Raises `GateClosed` when it does not pass, and `PermanentError` when vectors are
    still missing; then the active one stays.
    """
    if generation.vectors >= INDEX_FROM and not generation.is_indexed:
        store.build_index(generation)
    figures = measure_generation(
        generation, active_generation(store.generations()), store=store, judge=judge
    )
    store.record_figures(generation.id, figures.recall, figures.mrr)
    if is_gated and figures.faults:
        raise GateClosed(figures)
    for _ in range(CATCH_UPS):
        if store.activate(generation.id):
            return figures
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

    Raises `Busy` while somebody builds it.
    """
    if generation.status is GenerationStatus.ACTIVE:
        raise Conflict(
            f"{generation.model.model} is what is searched: build another one first"
        )
    with store.turn(generation):
        store.drop_generation(generation)


def retired_generation(generations: Sequence[Generation]) -> Generation:
    """The one to go back to: the retired one that was active last.

    Raises `NotFound` when there is none.
    """
    retired = [
        g
        for g in generations
        if g.status is GenerationStatus.RETIRED and g.activated_at is not None
    ]
    if not retired:
        raise NotFound("there are no earlier vectors to go back to")
    return max(retired, key=lambda g: g.activated_at or g.created_at)


@dataclass(frozen=True, slots=True)
class UpkeepFigures:
    """What `tend_generations` found and did.

    `left_to_others` are models whose vectors somebody else makes at the same time.
    """

    active: EmbeddingModel | None
    caught_up: BuildFigures
    recall: float | None
    golden: SearchFigures | None
    rebuilt_index: bool
    swapped_to: EmbeddingModel | None
    left_to_others: tuple[EmbeddingModel, ...]


@runtime_checkable
class SearchUpkeep(Protocol):
    """All that search needs to stay good."""

    def tend(self) -> UpkeepFigures:
        """What `tend_generations` does, with the real models and the golden set."""
        ...


def tend_generations(
    *,
    store: GenerationStore,
    embedder_of: Callable[[EmbeddingModel], Embedder],
    judge: Judge,
) -> UpkeepFigures:
    """Keep what is searched whole and good, and finish what is being built.

    Vectors that the active generation lacks are made, its index is built once it pays,
    and anew when it has come to lose too much. Then each generation that is building
    is completed and swapped in, unless somebody else is at it. Raises as
    `swap_generation` does, and `Busy` when somebody else tends the active one.
    """
    active = active_generation(store.generations())
    caught_up, recall, golden, rebuilt = BuildFigures(), None, None, False
    if active is not None:
        with store.turn(active):
            caught_up = build_generation(
                active.id, embedder=embedder_of(active.model), store=store
            )
            active = generation_now(active.id, store)
            if active.vectors >= INDEX_FROM and not active.is_indexed:
                store.build_index(active)
                active = generation_now(active.id, store)
            recall = store.measure_recall(active)
            if recall is not None and recall < MIN_RECALL:
                store.build_index(active)
                rebuilt = True
                recall = store.measure_recall(active)
            golden = judge(active.model)
            store.record_figures(active.id, recall, golden.mrr if golden else None)
    swapped_to = None
    left = []
    for generation in _building(store):
        try:
            with store.turn(generation):
                # Whoever had the turn before may have ended it.
                if generation.id not in {g.id for g in _building(store)}:
                    continue
                embedder = embedder_of(generation.model)
                build_generation(generation.id, embedder=embedder, store=store)
                swap_generation(
                    generation_now(generation.id, store),
                    embedder=embedder,
                    store=store,
                    judge=judge,
                )
        except Busy:
            left.append(generation.model)
        else:
            swapped_to = generation.model
    return UpkeepFigures(
        None if active is None else active.model,
        caught_up,
        recall,
        golden,
        rebuilt,
        swapped_to,
        tuple(left),
    )


def _building(store: GenerationStore) -> list[Generation]:
    return [g for g in store.generations() if g.status is GenerationStatus.BUILDING]
