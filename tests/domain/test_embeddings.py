from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.embeddings import (
    STORE_BATCH,
    Embedder,
    EmbeddingFigures,
    EmbeddingModel,
    check_vectors,
    embed_missing,
)
from mentora_pipelines.errors import PermanentError, TransientError
from tests.fakes import PENDING_VIDEO, FakeEmbedder, FakeLessonStore

Vectors = NDArray[np.float32]


def chunks_with(texts: Sequence[str]) -> list[Chunk]:
    """A chunk for each text."""
    return [
        Chunk(place, text, place, place + 1, 1, ()) for place, text in enumerate(texts)
    ]


def embed(
    store: FakeLessonStore, texts: Sequence[str], embedder: Embedder
) -> EmbeddingFigures:
    """Embed what is missing of a lesson with these chunks."""
    return embed_missing(
        PENDING_VIDEO,
        chunks_with(texts),
        embedder=embedder,
        generations=store,
        store=store,
    )


class BrokenEmbedder(FakeEmbedder):
    """Spoils the vectors of the call with number `at` (from 1)."""

    def __init__(self, at: int, spoil: Callable[[Vectors], Vectors]) -> None:
        super().__init__()
        self._at = at
        self._calls = 0
        self._spoil = spoil

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors, spoilt when it is their turn."""
        self._calls += 1
        if self._calls == self._at:
            return self._spoil(super().embed(texts))
        return super().embed(texts)


def without_one(vectors: Vectors) -> Vectors:
    """One vector less than asked for."""
    return vectors[:-1]


def too_narrow(vectors: Vectors) -> Vectors:
    """Vectors of another dimension."""
    return vectors[:, :-1]


def one_nan(vectors: Vectors) -> Vectors:
    """One number that is none."""
    vectors[-1, 3] = np.nan
    return vectors


def one_infinite(vectors: Vectors) -> Vectors:
    """One number without end."""
    vectors[0, 0] = np.inf
    return vectors


def one_zero(vectors: Vectors) -> Vectors:
    """One vector without a direction."""
    vectors[-1] = 0
    return vectors


def service_away(_: Vectors) -> Vectors:
    """No vectors: the service did not answer."""
    raise TransientError("503")


def test_a_second_run_pays_nothing() -> None:
    """Else every re-run of a lesson is paid for again."""
    store, embedder = FakeLessonStore(), FakeEmbedder()
    first = embed(store, ["a", "b", "c"], embedder)
    again = embed(store, ["a", "b", "c"], embedder)
    assert (first.embedded, first.calls) == (3, 1)
    assert (again.chunks, again.embedded, again.calls) == (3, 0, 0)
    assert embedder.paid == ["a", "b", "c"]


def test_only_the_edited_text_is_paid_for() -> None:
    """Else one corrected word costs the whole lesson."""
    store, embedder = FakeLessonStore(), FakeEmbedder()
    embed(store, ["a", "b", "c"], embedder)
    assert embed(store, ["a", "B", "c"], embedder).embedded == 1
    assert embedder.paid[3:] == ["B"]


def test_a_text_said_twice_is_paid_for_once() -> None:
    """Else a lecturer's refrain is paid for each time."""
    store, embedder = FakeLessonStore(), FakeEmbedder()
    assert embed(store, ["a", "a"], embedder).embedded == 1


def test_each_text_gets_its_own_vector() -> None:
    """Else search finds another moment than the one asked for."""
    store, embedder = FakeLessonStore(), FakeEmbedder()
    texts = [f"text {number}" for number in range(2 * STORE_BATCH + 5)]
    assert embed(store, texts, embedder).calls == 3
    for chunk in chunks_with(texts):
        expected = FakeEmbedder().embed([chunk.text])[0]
        assert np.array_equal(store.vectors[chunk.text_hash], expected)


def test_a_crash_costs_only_the_batches_that_were_not_stored() -> None:
    """Else a failure near the end pays for the whole lesson again."""
    store = FakeLessonStore()
    texts = [f"text {number}" for number in range(3 * STORE_BATCH)]
    with pytest.raises(TransientError):
        embed(store, texts, BrokenEmbedder(2, service_away))
    assert len(store.vectors) == STORE_BATCH
    second = FakeEmbedder()
    embed(store, texts, second)
    assert second.paid == texts[STORE_BATCH:]


@pytest.mark.parametrize(
    "spoil", [without_one, too_narrow, one_nan, one_infinite, one_zero]
)
def test_nothing_of_a_spoilt_batch_is_stored(
    spoil: Callable[[Vectors], Vectors],
) -> None:
    """Else a vector that belongs to nothing is searched for ever."""
    store = FakeLessonStore()
    texts = [f"text {number}" for number in range(STORE_BATCH + 10)]
    with pytest.raises(PermanentError, match="embedding model returned"):
        embed(store, texts, BrokenEmbedder(2, spoil))
    assert set(store.vectors) == {
        chunk.text_hash for chunk in chunks_with(texts)[:STORE_BATCH]
    }


def test_sound_vectors_pass() -> None:
    """Else no lesson is ever published."""
    check_vectors(np.eye(3, dtype=np.float32), 3, 3)


def test_another_model_is_another_generation() -> None:
    """Else vectors that cannot be compared are searched together."""
    model = EmbeddingModel("local", "minilm", 384)
    others = (
        EmbeddingModel("openai", "minilm", 384),
        EmbeddingModel("local", "large", 384),
        EmbeddingModel("local", "minilm", 768),
    )
    assert model.generation_id == EmbeddingModel("local", "minilm", 384).generation_id
    assert model.generation_id not in {other.generation_id for other in others}
