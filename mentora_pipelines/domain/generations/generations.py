"""Generations: the vectors of one embedding model each.

Here belong the life of a generation and its store. Not here: how one is built
(`building`), swapped in (`swapping`) and tended (`upkeep`), SQL, or models.

A generation is `building` (written, not searched), `active` (one at a time) or
`retired` (kept, so that the way back is a swap). What is missing in it follows from the
chunks alone, so that a build taken up again asks for nothing twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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

    def has_video(self, video_id: UUID) -> bool:
        """Whether a video is still there."""
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
