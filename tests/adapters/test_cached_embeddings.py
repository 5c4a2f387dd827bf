"""Embeddings behind a real cache: paid for once, and never spoilt by it."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from mentora_pipelines.domain.caching.cache import Cache
from mentora_pipelines.domain.caching.embeddings import (
    LOOKUP_TEXTS,
    CachedEmbedder,
    VectorCodec,
)
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import PermanentError
from tests.fakes import FakeEmbedder
from tests.fix_cache import OpenCache, open_test_cache
from tests.fix_valkey import StartValkey


class CountingModel(FakeEmbedder):
    """Satisfies `TextModel`; a word is a token."""

    max_tokens = 99

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The words of each text."""
        return [len(text.split()) for text in texts]


class OtherModel(CountingModel):
    """Another model of the same provider."""

    model = EmbeddingModel("test", "other", 8)


def embedder_over(cache: Cache) -> tuple[CachedEmbedder, CountingModel]:
    """An embedder behind a cache, and the model that is paid."""
    model = CountingModel()
    return CachedEmbedder(model, cache), model


def test_a_text_is_paid_for_once(opened: OpenCache) -> None:
    """Else each question that many students ask is paid for each time."""
    first, paid_first = embedder_over(opened.cache)
    texts = [f"text {number % 300}" for number in range(LOOKUP_TEXTS + 100)]
    vectors = first.embed(texts)
    assert np.array_equal(vectors, CountingModel().embed(texts))
    assert len(paid_first.paid) == 300
    again, paid_again = embedder_over(opened.cache)
    assert np.array_equal(again.embed([*texts, "new"])[:-1], vectors)
    assert paid_again.paid == ["new"]
    assert again.embed([]).shape == (0, 8)
    assert (again.max_tokens, again.count_tokens(["a b"])) == (99, [2])


def test_a_vector_lies_there_without_expiry_in_few_bytes(opened: OpenCache) -> None:
    """Else the cache holds a fifth of the vectors, or forgets them by the clock."""
    embedder_over(opened.cache)[0].embed(["a"])
    name = f"embedding:test:hash:8:{content_hash('a')}"
    assert opened.names() == {name}
    assert opened.values.ttl(opened.prefix + name) == -1
    assert opened.values.strlen(opened.prefix + name) == 8 * 4 + 8


def test_another_model_has_vectors_of_its_own(opened: OpenCache) -> None:
    """Else a new model searches with the vectors of the old one."""
    embedder_over(opened.cache)[0].embed(["a"])
    other = OtherModel()
    CachedEmbedder(other, opened.cache).embed(["a"])
    assert other.paid == ["a"]


def spoilt(vector: NDArray[np.float32], kind: str) -> bytes:
    """Bytes under a vector's name that are not that vector."""
    whole = VectorCodec(8).encode(vector, ())
    return {
        "empty": b"",
        "short": whole[:-1],
        "of 4 dimensions": VectorCodec(4).encode(vector[:4], ()),
        "one bit flipped": whole[:-1] + bytes([whole[-1] ^ 1]),
        "JSON": b'{"schema_version":1,"epochs":[],"value":[1]}',
        "another schema": b"vec2" + whole[4:],
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["empty", "short", "of 4 dimensions", "one bit flipped", "JSON", "another schema"],
)
def test_a_damaged_vector_is_a_miss_and_is_replaced(
    opened: OpenCache, kind: str
) -> None:
    """Else a lesson is indexed under a vector that means nothing."""
    vector = CountingModel().embed(["a"])[0]
    name = f"{opened.prefix}embedding:test:hash:8:{content_hash('a')}"
    opened.values.set(name, spoilt(vector, kind))
    embedder, model = embedder_over(opened.cache)
    for _ in range(2):
        assert np.array_equal(embedder.embed(["a"])[0], vector)
    assert model.paid == ["a"]


def test_what_is_no_vector_is_never_kept() -> None:
    """Else a model's one bad answer comes back for good."""
    codec = VectorCodec(8)
    good = np.ones(8, dtype=np.float32)
    for bad in (good[:7], good * 0, good * np.nan, good * np.inf):
        with pytest.raises(ValueError, match="embedding model returned"):
            codec.encode(bad.astype(np.float32), ())


def test_a_bad_answer_is_refused_as_without_a_cache(opened: OpenCache) -> None:
    """Else the cache hides what the model did."""

    class Broken(CountingModel):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return super().embed(texts) * 0

    with pytest.raises(PermanentError, match="zero vector"):
        CachedEmbedder(Broken(), opened.cache).embed(["a"])
    assert opened.names() == set()


def test_a_dead_cache_costs_the_embedding_nothing_but_its_saving(
    start_valkey: StartValkey,
) -> None:
    """Else an outage of the cache fails every lesson."""
    server = start_valkey()
    with open_test_cache(server, server, timeout_s=0.2) as opened:
        embedder, model = embedder_over(opened.cache)
        server.freeze()
        for _ in range(2):
            assert embedder.embed(["a"]).shape == (1, 8)
        assert model.paid == ["a", "a"]
