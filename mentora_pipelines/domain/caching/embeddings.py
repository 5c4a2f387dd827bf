"""Vectors that are paid for once: looked up by their text before a model is asked.

Here belong how a vector lies in the cache and the embedder that looks there first.
Not here: models, or which vectors a lesson has (`domain/lessons/embeddings`).
"""

import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mentora_pipelines.domain.caching.cache import Cache, CacheKey, Decoded, Miss
from mentora_pipelines.domain.caching.keys import PERMANENT, embedding_name
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.chunks import TokenCounter
from mentora_pipelines.domain.lessons.embeddings import (
    Embedder,
    EmbeddingModel,
    check_vectors,
)
from mentora_pipelines.errors import PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOOKUP_TEXTS = 256
"""Texts looked up in one round trip: 0.4 MB of 384 dimensions, 1.6 MB of 1,536."""

HEADER = struct.Struct("<4sI")
MAGIC = b"vec1"
"""Its last byte is the schema version."""


@runtime_checkable
class TextModel(Embedder, TokenCounter, Protocol):
    """An embedding model with its tokenizer."""


class VectorCodec:
    """Satisfies `Codec`: a checksum and the vector as little-endian 4-byte floats.

    A fifth of the bytes that JSON takes, and exactly the vector that was paid for.
    """

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions

    def encode(self, value: "NDArray[np.float32]", epochs: Sequence[str]) -> bytes:
        """The bytes; raises `ValueError` for what is not one whole vector."""
        if epochs:
            raise ValueError("a vector belongs to no entity")
        body = self._checked(value).astype("<f4").tobytes()
        return HEADER.pack(MAGIC, zlib.crc32(body)) + body

    def decode(self, stored: bytes) -> "Decoded[NDArray[np.float32]]":
        """The vector; raises `ValueError` for other or damaged bytes."""
        import numpy as np

        if len(stored) != HEADER.size + 4 * self._dimensions:
            raise ValueError("not a vector of this model")
        magic, checksum = HEADER.unpack_from(stored)
        if magic != MAGIC or zlib.crc32(stored[HEADER.size :]) != checksum:
            raise ValueError("damaged")
        vector = np.frombuffer(stored, dtype="<f4", offset=HEADER.size)
        return Decoded(self._checked(vector.astype(np.float32)), ())

    def _checked(self, vector: "NDArray[np.float32]") -> "NDArray[np.float32]":
        try:
            check_vectors(vector[None], 1, self._dimensions)
        except PermanentError as error:
            raise ValueError(str(error)) from None
        return vector


class CachedEmbedder:
    """Satisfies `TextModel`: asks the model only for texts that the cache lacks."""

    def __init__(self, model: TextModel, cache: Cache) -> None:
        self._model = model
        self._cache = cache
        self._codec = VectorCodec(model.model.dimensions)

    @property
    def model(self) -> EmbeddingModel:
        """The model that makes the vectors."""
        return self._model.model

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the model reads."""
        return self._model.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        return self._model.count_tokens(texts)

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One unit vector per text, in order; a text said twice is asked for once.

        Raises what the model raises, and nothing because of the cache.
        """
        import numpy as np

        known: dict[str, NDArray[np.float32]] = {}
        wanted = list(dict.fromkeys(texts))
        for start in range(0, len(wanted), LOOKUP_TEXTS):
            batch = wanted[start : start + LOOKUP_TEXTS]
            found = self._cache.get_many([self._key(text) for text in batch])
            known |= {
                text: vector
                for text, vector in zip(batch, found, strict=True)
                if not isinstance(vector, Miss)
            }
        missing = [text for text in wanted if text not in known]
        if missing:
            vectors = self._model.embed(missing)
            # What is refused here must not be cached: the next run would meet it.
            check_vectors(vectors, len(missing), self.model.dimensions)
            known |= dict(zip(missing, vectors, strict=True))
            self._keep(missing, vectors)
        result = np.empty((len(texts), self.model.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            result[row] = known[text]
        return result

    def _keep(self, texts: Sequence[str], vectors: "NDArray[np.float32]") -> None:
        for start in range(0, len(texts), LOOKUP_TEXTS):
            batch = slice(start, start + LOOKUP_TEXTS)
            self._cache.set_many(
                [
                    (self._key(text), vector)
                    for text, vector in zip(texts[batch], vectors[batch], strict=True)
                ]
            )

    def _key(self, text: str) -> "CacheKey[NDArray[np.float32]]":
        model = self.model
        name = embedding_name(
            model.provider, model.model, model.dimensions, content_hash(text)
        )
        return CacheKey(name, self._codec, PERMANENT)
