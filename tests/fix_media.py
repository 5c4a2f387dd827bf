"""Files that creators upload by mistake, made by the real encoder."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fix_lessons import SAMPLES

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 1024


def write_video(path: Path, sound: NDArray[np.int16] | None) -> Path:
    """One second of a grey picture as MP4, with `sound` (16 kHz mono) beside it."""
    with av.open(str(path), "w", format="mp4") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        track = None
        if sound is not None:
            track = container.add_stream("aac", rate=SAMPLE_RATE)
            track.layout = "mono"
        grey = np.full((48, 64, 3), 128, dtype=np.uint8)
        for _ in range(10):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        container.mux(picture.encode(None))
        if sound is not None and track is not None:
            for start in range(0, len(sound), FRAME_SAMPLES):
                piece = sound[start : start + FRAME_SAMPLES].reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
                frame.sample_rate, frame.pts = SAMPLE_RATE, start
                container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return path


def cut_speech(path: Path, seconds: float) -> Path:
    """The first seconds of a sample lesson as a lesson of its own."""
    wanted = int(seconds * SAMPLE_RATE)
    pieces: list[NDArray[np.int16]] = []
    heard = 0
    with av.open(str(SAMPLES / "compound-interest.mp4")) as container:
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                pieces.append(piece.to_ndarray().reshape(-1).astype(np.int16))
                heard += piece.samples
            if heard >= wanted:
                break
    return write_video(path, np.concatenate(pieces)[:wanted])


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files, each named after what is wrong with it."""
    folder = tmp_path_factory.mktemp("media")
    (folder / "not_media.mp4").write_text("Dear students, the video will follow.\n")
    (folder / "empty_file.mp4").touch()
    whole = (SAMPLES / "compound-interest.mp4").read_bytes()
    (folder / "truncated_media.mp4").write_bytes(whole[: len(whole) // 2])
    write_video(folder / "no_audio.mp4", None)
    silence = np.zeros(3 * SAMPLE_RATE, dtype=np.int16)
    write_video(folder / "no_speech.mp4", silence)
    # Something to decode for lessons whose words a test supplies itself.
    time_s = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = (8000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)
    write_video(folder / "tone.mp4", tone)
    return folder
