"""Embeddings by all-MiniLM-L6-v2 on this machine, through CTranslate2.

Here belong the tokenizer and the pooling of the model's output. Not here: its files
(`wheels`, `conversion`), which texts are embedded or where vectors are stored.
"""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.minilm.conversion import converted_model
from mentora_pipelines.adapters.minilm.wheels import tokenizer_file
from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.observability.timers import measured

if TYPE_CHECKING:
    import numpy as np
    from ctranslate2 import Encoder
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

DIMENSIONS = 384

MODEL_TOKENS = 256
"""Length the model was trained with, its marks at start and end included."""

BATCH_SIZE = 8
"""Larger batches are slower on a CPU: more padding, less cache."""


class MiniLmEmbedder:
    """Satisfies `Embedder` and `TokenCounter`; loaded at first use, once a process.

    The converted model is kept below `models`; without such a folder each process
    converts it for itself.
    """

    def __init__(self, models: Path | None = None) -> None:
        self._models = models

    @property
    def model(self) -> EmbeddingModel:
        """The model that makes the vectors."""
        return EmbeddingModel("local", "all-MiniLM-L6-v2-ct2-int8", DIMENSIONS)

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the model reads; it ignores the rest."""
        return MODEL_TOKENS - 2

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the model's marks at start and end."""
        encoded = _tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encoded]

    @measured("embedding")
    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One unit vector per text, in order: shape (len(texts), 384)."""
        import numpy as np

        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        encodings = _tokenizer().encode_batch_fast(list(texts))
        # Texts of like length share a batch, so that little of it is padding.
        by_length = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for start in range(0, len(by_length), BATCH_SIZE):
            batch = by_length[start : start + BATCH_SIZE]
            vectors[batch] = _embed_batch(
                _model(self._models), [encodings[i] for i in batch]
            )
        return vectors


def _embed_batch(
    model: "Encoder", encodings: "Sequence[Encoding]"
) -> "NDArray[np.float32]":
    """Mean over each text's tokens, scaled to length 1 (as the model was trained)."""
    import numpy as np

    rows = [_truncated(encoding.ids) for encoding in encodings]
    hidden = np.array(model.forward_batch(rows).last_hidden_state)
    mask = np.zeros((*hidden.shape[:2], 1), dtype=np.float32)
    for row, tokens in enumerate(rows):
        mask[row, : len(tokens)] = 1
    pooled = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
    unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    return unit


def _truncated(ids: list[int]) -> list[int]:
    """At most the model's length, the mark at the end kept."""
    return ids if len(ids) <= MODEL_TOKENS else [*ids[: MODEL_TOKENS - 1], ids[-1]]


@cache
def _tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file()))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@cache
def _model(models: Path | None) -> "Encoder":
    vocabulary = _tokenizer().get_vocab()
    if models is not None:
        try:
            folder = converted_model(models, vocabulary)
            try:
                return _loaded(folder)
            except RuntimeError:
                # What CTranslate2 says of a file that is cut off or gone.
                shutil.rmtree(folder)
                return _loaded(converted_model(models, vocabulary))
        except OSError:
            pass  # a place where nothing can be written: as without one
    with TemporaryDirectory() as own:
        return _loaded(converted_model(Path(own), vocabulary))


def _loaded(folder: Path) -> "Encoder":
    import ctranslate2

    # A run has one core; a second thread would only spin beside recognition.
    return ctranslate2.Encoder(str(folder), compute_type="int8", intra_threads=1)
