"""Embedding models of the tests: any length of vector, and no weights."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import SettingsError


class HashModel:
    """Satisfies `Embedder`: vectors drawn by the text's hash; `paid` are those asked.

    Two texts are near by chance alone.
    """

    def __init__(self, name: str, dimensions: int) -> None:
        self.model = EmbeddingModel("test", name, dimensions)
        self.paid: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text."""
        self.paid += texts
        vectors = np.array([self._drawn(text) for text in texts], dtype=np.float32)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(
            vectors, axis=1, keepdims=True
        )
        return unit

    def _drawn(self, text: str) -> NDArray[np.float64]:
        seed = hashlib.shake_128(f"{self.model.model} {text}".encode())
        drawn = np.frombuffer(seed.digest(self.model.dimensions), dtype=np.uint8)
        return drawn.astype(np.float64) - 127.5


@dataclass(frozen=True)
class OneModel:
    """Satisfies `Embedders`: makes one model's vectors, or none when it is None."""

    embedder: HashModel | None

    def of(self, model: EmbeddingModel) -> HashModel:
        """It, whatever is asked."""
        if self.embedder is None:
            raise SettingsError(f"no key for {model.model}")
        return self.embedder


@dataclass(frozen=True)
class HashModels:
    """Satisfies `Embedders`: makes any model's vectors, each model made once."""

    made: dict[EmbeddingModel, HashModel] = field(default_factory=dict)

    def of(self, model: EmbeddingModel) -> HashModel:
        """That of this name and length."""
        return self.made.setdefault(model, HashModel(model.model, model.dimensions))
