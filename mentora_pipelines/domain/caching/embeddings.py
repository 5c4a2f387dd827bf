"""Vectors that are paid for once: looked up by their text before a model is asked.

Here belong how a vector lies in the cache and the embedder that looks there first.
Not here: models, or which vectors a lesson has (`domain/lessons/embeddings`).
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mentora_pipelines.domain.caching.cache import Cache, CacheKey, Decoded, Miss
from mentora_pipelines.domain.caching.keys import PERMANENT, embedding_name
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.chunks import TokenCounter
from mentora_pipelines.domain.lessons.embeddings import (
    EmbeddedBatch,
    Embedder,
    EmbeddingModel,
    check_vectors,
    embedded_batches,
)
from mentora_pipelines.domain.spending.usage import (
    Payer,
    PlannedCall,
    PlansEmbedding,
    paid_by,
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

    def paid_by(self, payer: Payer) -> "CachedEmbedder":
        """The same embedder, what it asks the model for booked to `payer`."""
        return CachedEmbedder(paid_by(self._model, payer), self._cache)

    def plan(self, texts: Sequence[str]) -> Sequence[PlannedCall]:
        """The model's requests for the texts that the cache lacks."""
        if not isinstance(self._model, PlansEmbedding):
            return ()
        known = self._known(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        return self._model.plan(missing) if missing else ()

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One unit vector per text, in order; a text said twice is asked for once.

        Raises what the model raises, and nothing because of the cache.
        """
        import numpy as np

        result = np.empty((len(texts), self.model.dimensions), dtype=np.float32)
        for batch in self.embed_batches(texts):
            result[list(batch.places)] = batch.vectors
        return result

    def embed_batches(self, texts: Sequence[str]) -> "Iterator[EmbeddedBatch]":
        """What the cache holds, then the rest in the batches that suit the model.

        What is new is in the cache before it is yielded.
        """
        import numpy as np

        places: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            places.setdefault(text, []).append(place)

        def of(
            found: Sequence[str], vectors: "Sequence[NDArray[np.float32]]", is_new: bool
        ) -> EmbeddedBatch:
            rows = [
                (p, v) for t, v in zip(found, vectors, strict=True) for p in places[t]
            ]
            return EmbeddedBatch(
                [place for place, _ in rows], np.stack([v for _, v in rows]), is_new
            )

        missing: list[str] = []
        wanted = list(places)
        for start in range(0, len(wanted), LOOKUP_TEXTS):
            batch = wanted[start : start + LOOKUP_TEXTS]
            known = self._known(batch)
            missing += [text for text in batch if text not in known]
            if known:
                yield of(list(known), list(known.values()), is_new=False)
        for new in embedded_batches(self._model, missing):
            # What is refused here must not be cached: the next run would meet it.
            check_vectors(new.vectors, len(new.places), self.model.dimensions)
            found = [missing[place] for place in new.places]
            self._keep(found, new.vectors)
            yield of(found, list(new.vectors), is_new=new.is_new)

    def _known(self, texts: Sequence[str]) -> "dict[str, NDArray[np.float32]]":
        """The vectors of those texts that the cache holds."""
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
        return known

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
