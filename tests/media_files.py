"""Sound and video files as people make them, written by ffmpeg's own muxers."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from numpy.typing import NDArray

RATE = 48_000
FASTSTART = {"movflags": "faststart"}
PLACES = {"mono": 1, "stereo": 2, "5.1": 6}

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Track:
    """A sound track of an invented file; `hertz` is the tone that it holds.

    `gains` is the loudness of each channel: one below 0 has its sign turned over.
    """

    seconds: float = 3.0
    hertz: float = 440.0
    layout: str = "mono"
    is_default: bool = True
    silent_until_s: float = 0.0
    """No packet at all until then: the track starts late."""
    rate: int = RATE
    gains: tuple[float, ...] = ()
    language: str = ""
    codec: str = ""
    """Instead of the file's."""

    def sound(self) -> Sound:
        """Its samples, one row a channel."""
        times = np.arange(int(self.seconds * self.rate)) / self.rate
        tone = (0.5 * np.sin(2 * np.pi * self.hertz * times)).astype(np.float32)
        gains = self.gains or (1.0,) * PLACES[self.layout]
        return np.outer(np.array(gains, dtype=np.float32), tone).astype(np.float32)


def media(
    container: str,
    codec: str,
    *tracks: Track,
    video_s: float = 0.0,
    options: dict[str, str] | None = None,
    frame_times: Sequence[float] = (),
) -> bytes:
    """A real file with these tracks; with `frame_times`, pictures at these seconds."""
    # A file, since the index is moved to the front by reading it again.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        with av.open(str(path), "w", format=container, options=options or {}) as output:
            _write(
                output,
                codec,
                tracks,
                frame_times or [number / 5 for number in range(int(video_s * 5))],
            )
        return path.read_bytes()


def _write(
    output: OutputContainer,
    codec: str,
    tracks: Sequence[Track],
    frame_times: Sequence[float],
) -> None:
    if frame_times:
        video = output.add_stream("mpeg4", rate=50)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
    sounds = []
    for track in tracks:
        stream = output.add_stream(
            track.codec or codec, rate=track.rate, layout=track.layout
        )
        assert isinstance(stream, AudioStream)
        if (track.codec or codec) == "vorbis":
            stream.codec_context.options = {"strict": "experimental"}
        stream.disposition = Disposition.default if track.is_default else Disposition(0)
        if track.language:
            stream.metadata["language"] = track.language
        sounds.append((stream, track))
    for number, time_s in enumerate(frame_times):
        picture = np.full((48, 64, 3), number % 255, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture)
        frame.pts = round(time_s * 50)
        output.mux(video.encode(frame))
    if frame_times:
        output.mux(video.encode(None))
    for stream, track in sounds:
        _write_sound(output, stream, track)


def _write_sound(output: OutputContainer, stream: AudioStream, track: Track) -> None:
    sound = track.sound()
    late = round(track.silent_until_s * track.rate)
    resampler = av.AudioResampler(
        format=stream.codec_context.format, layout=track.layout, rate=track.rate
    )
    for start in range(0, sound.shape[1], track.rate):
        piece = np.ascontiguousarray(sound[:, start : start + track.rate])
        frame = av.AudioFrame.from_ndarray(piece, "fltp", track.layout)
        frame.sample_rate = track.rate
        frame.pts = start
        for converted in resampler.resample(frame):
            converted.pts = start + late
            output.mux(stream.encode(converted))
    output.mux(stream.encode(None))
