"""Embeddings: the vector of each chunk's text, made once per text and model.

Here belong the port of the embedding model and the rule that only what is missing
is paid for. Not here: the model, the tokenizer, or how vectors are written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import generation_id_of
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.spending.usage import (
    PlannedCall,
    PlansEmbedding,
    paid_by,
    payer_of,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import MentoraError, PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STORE_BATCH = 256
"""Texts embedded between two writes by a model that packs no batches of its own: a
crash costs at most these, and one COPY of this size is far below a second."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """What makes vectors comparable; another model is another generation."""

    provider: str
    model: str
    dimensions: int

    @property
    def generation_id(self) -> UUID:
        """Id of the generation that holds this model's vectors."""
        return generation_id_of(self.provider, self.model, self.dimensions)


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors of one model."""

    @property
    def model(self) -> EmbeddingModel:
        """The model that makes the vectors."""
        ...

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One unit vector per text, in order: shape (len(texts), dimensions).

        Raises `TransientError` when a service did not answer and `PermanentError`
        when it refused a text.
        """
        ...


@runtime_checkable
class Embedders(Protocol):
    """The adapters of models whose vectors are stored here, or are being made."""

    def of(self, model: EmbeddingModel) -> Embedder:
        """What makes this model's vectors; raises `SettingsError` when nothing does."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """Vectors of some of the texts that were given.

    `vectors[i]` is that of the text at `places[i]`; `is_new` tells that the model was
    asked for them.
    """

    places: Sequence[int]
    vectors: "NDArray[np.float32]"
    is_new: bool = True


@runtime_checkable
class BatchingEmbedder(Embedder, Protocol):
    """An embedder that knows how many texts it is best asked for at once."""

    def embed_batches(self, texts: Sequence[str]) -> Iterator[EmbeddedBatch]:
        """The vectors of all texts, batch by batch, each as soon as it is there.

        Raises as `embed` does; what was yielded before holds.
        """
        ...


@runtime_checkable
class GenerationRegistry(Protocol):
    """Knows the generations of vectors; changing them takes the admin role."""

    def writable_generation(self, model: EmbeddingModel) -> UUID:
        """The generation to write this model's vectors into, made when there is none.

        Raises `TransientError` when another model is searched by now: whoever tries
        again takes that one.
        """
        ...

    def active_model(self) -> EmbeddingModel | None:
        """The model whose vectors are searched; None before the first lesson."""
        ...

    def building_models(self) -> list[EmbeddingModel]:
        """The models whose vectors are being made, to be searched one day."""
        ...


@runtime_checkable
class EmbeddingStore(Protocol):
    """Holds the vectors of a creator's chunks."""

    def missing_embeddings(
        self, video: Video, generation_id: UUID, chunks: Sequence[Chunk]
    ) -> Mapping[str, str]:
        """Text by hash of those chunks that have no vector in the generation yet."""
        ...

    def add_embeddings(
        self,
        video: Video,
        generation_id: UUID,
        text_hashes: Sequence[str],
        vectors: "NDArray[np.float32]",
    ) -> int:
        """Store one vector per hash; rows that exist stay. Returns rows added."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddingFigures:
    """What one run of `embed_missing` did.

    `put_off` says which models to come have no vectors of the lesson, and why.
    """

    chunks: int
    embedded: int
    calls: int
    put_off: tuple[str, ...] = ()


def embed_lesson(
    video: Video,
    chunks: Sequence[Chunk],
    *,
    embedder: Embedder,
    embedders: Embedders,
    generations: GenerationRegistry,
    store: EmbeddingStore,
) -> EmbeddingFigures:
    """`embed_missing` by the model that is searched, and by each that is to come.

    Another one than `embedder` takes its place when it is searched by now. No lesson
    waits for vectors that nobody searches yet: those that fail are put off, and made
    by whoever completes the generation.
    """
    active = generations.active_model()
    if active is not None and active != embedder.model:
        # Another one was swapped in while the lesson was heard.
        embedder = embedders.of(active)
    figures = embed_missing(
        video, chunks, embedder=embedder, generations=generations, store=store
    )
    put_off = []
    for model in generations.building_models():
        try:
            embed_missing(
                video,
                chunks,
                embedder=embedders.of(model),
                generations=generations,
                store=store,
            )
        except MentoraError as error:
            put_off.append(f"not embedded by {model.model} yet: {error}")
    return replace(figures, put_off=tuple(put_off))


def embed_missing(
    video: Video,
    chunks: Sequence[Chunk],
    *,
    embedder: Embedder,
    generations: GenerationRegistry,
    store: EmbeddingStore,
) -> EmbeddingFigures:
    """Embed the chunks whose text has no vector yet, storing batch by batch.

    The video's creator pays. Raises `PermanentError` when the model returns something
    that is not one finite, non-zero vector per text; nothing of that batch is stored.
    """
    embedder = paid_by(embedder, payer_of(video))
    generation_id = generations.writable_generation(embedder.model)
    missing = store.missing_embeddings(video, generation_id, chunks)
    hashes = list(missing)
    calls = 0
    for batch in embedded_batches(embedder, list(missing.values())):
        calls += batch.is_new
        check_vectors(batch.vectors, len(batch.places), embedder.model.dimensions)
        of_batch = [hashes[place] for place in batch.places]
        store.add_embeddings(video, generation_id, of_batch, batch.vectors)
    return EmbeddingFigures(chunks=len(chunks), embedded=len(hashes), calls=calls)


def embedded_batches(
    embedder: Embedder, texts: Sequence[str]
) -> Iterator[EmbeddedBatch]:
    """The vectors of all texts in the batches that suit the embedder."""
    if isinstance(embedder, BatchingEmbedder):
        yield from embedder.embed_batches(texts)
        return
    for start in range(0, len(texts), STORE_BATCH):
        batch = texts[start : start + STORE_BATCH]
        places = range(start, start + len(batch))
        yield EmbeddedBatch(places, embedder.embed(batch))


def plan_embedding(texts: Sequence[str], embedder: Embedder) -> list[PlannedCall]:
    """The requests by which `embed_missing` would embed these; none when they are free.

    One that a cache answers is no request.
    """
    return list(embedder.plan(texts)) if isinstance(embedder, PlansEmbedding) else []


def check_vectors(vectors: "NDArray[np.float32]", count: int, dimensions: int) -> None:
    """Raise `PermanentError` unless there are `count` finite, non-zero vectors."""
    import numpy as np

    if vectors.shape != (count, dimensions):
        raise PermanentError(
            f"the embedding model returned shape {vectors.shape} "
            f"instead of {(count, dimensions)}"
        )
    if not np.isfinite(vectors).all():
        raise PermanentError("the embedding model returned a vector that is not finite")
    if not np.linalg.norm(vectors, axis=1).all():
        raise PermanentError("the embedding model returned a zero vector")
