"""Containers and codecs, through PyAV: an upload becomes 16 kHz mono FLAC.

Here belong the private copy of an upload, the sniffing of its container and the
decoder. Not here: where uploads and audio lie, or what is said in them.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mentora_pipelines.domain.lessons.audio import DecodedAudio
from mentora_pipelines.errors import ErrorCode, LessonRefused, TransientError

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer

SAMPLE_RATE = 16_000
"""What Whisper models were trained on."""

COPY_BYTES = 1 << 20

WITHOUT_INDEX = ("mpegts",)
"""Demuxers of streams, in which a lost piece leaves nothing but a gap."""

GAP_SAMPLES = SAMPLE_RATE // 10
"""Smaller differences between sound and clock are rounding and the decoder's delay."""

MIN_DECODED_SHARE = 0.95
"""Less sound than this share of the announced duration means that the file breaks
off: truncated files decode without an error."""

STREAMED_RIFF_SIZE = 0x7FFF_0000
"""Recorders that do not know the end yet write this much or more (sox, ffmpeg)."""

_MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MAGIC = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"ID3": "mp3",
}
_TAGGED_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_REFUSED_CONTAINERS = (b"RIFF", b"FLV\x01", b"\x30\x26\xb2\x75", b"FORM", b".RMF")


@dataclass(frozen=True, slots=True)
class LocalSource:
    """An upload copied to a private folder under a generated name."""

    path: Path
    sha256: str
    size: int
    max_duration_s: float

    @contextmanager
    def decode(self) -> Iterator[DecodedAudio]:
        """The sound of its default audio track as FLAC, while the context is open.

        Raises `LessonRefused` with the code of what is wrong with the file.
        """
        target = self.path.with_name("audio.flac")
        duration_s = _decode(self.path, target, self.max_duration_s)
        with target.open("rb") as content:
            yield DecodedAudio(content, duration_s)


class PyAvDecoder:
    """Satisfies `MediaDecoder`; sizes in bytes, durations in seconds."""

    def __init__(self, *, max_bytes: int, max_duration_s: float) -> None:
        self._max_bytes = max_bytes
        self._max_duration_s = max_duration_s

    @contextmanager
    def take_in(self, content: BinaryIO) -> Iterator[LocalSource]:
        """Copy the stream to a private folder, hashing it on the way.

        Raises `LessonRefused` when it is empty or larger than allowed.
        """
        with (
            tempfile.TemporaryDirectory(prefix="mentora-") as folder,
            _translated_disk_errors(),
        ):
            # A generated name: what the creator called the file means nothing here.
            path = Path(folder) / "source"
            digest = hashlib.sha256()
            size = 0
            with path.open("xb") as copy:
                while block := content.read(COPY_BYTES):
                    size += len(block)
                    if size > self._max_bytes:
                        raise LessonRefused(
                            ErrorCode.TOO_LARGE, f"over {self._max_bytes} bytes"
                        )
                    digest.update(block)
                    copy.write(block)
            if size == 0:
                raise LessonRefused(ErrorCode.EMPTY_FILE, "0 bytes")
            yield LocalSource(path, digest.hexdigest(), size, self._max_duration_s)


@contextmanager
def _translated_disk_errors() -> Iterator[None]:
    """A full or broken disk of this machine is no fault of the creator's file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TransientError(f"temporary folder: {reason}") from None


def sniff_container(head: bytes) -> str:
    """The demuxer for a file that starts with `head` (at least 377 bytes of it).

    Only these are ever tried: a demuxer chosen by ffmpeg itself may be a playlist
    that opens other files. Raises `LessonRefused`.
    """
    if head[4:8] in _MOV_ATOMS:
        return "mp4"
    for magic, demuxer in _MAGIC.items():
        if head.startswith(magic):
            return demuxer
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":
        return "mpegts"
    # An MPEG frame: eleven bits set, and layer III.
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:
        return "mp3"
    if head.startswith(_REFUSED_CONTAINERS):
        raise LessonRefused(ErrorCode.UNSUPPORTED_CONTAINER, f"starts {head[:12]!r}")
    raise LessonRefused(ErrorCode.NOT_MEDIA, "no known container")


def _decode(source: Path, target: Path, max_duration_s: float) -> float:
    """Write the sound of `source` to `target`; returns its duration in seconds."""
    import av
    from av.error import FFmpegError

    with source.open("rb") as file:
        head = file.read(377)
    demuxer = sniff_container(head)
    if demuxer == "wav" and source.stat().st_size < MIN_DECODED_SHARE * _riff_size(
        head
    ):
        raise LessonRefused(ErrorCode.TRUNCATED_MEDIA, "wav shorter than its header")
    try:
        container = av.open(
            str(source), format=demuxer, options={"protocol_whitelist": "file"}
        )
    except FFmpegError as error:
        # The magic is right and the index is missing: the upload broke off.
        raise LessonRefused(
            ErrorCode.TRUNCATED_MEDIA, f"{demuxer} does not open: {error.strerror}"
        ) from None
    with container:
        if not container.streams.audio:
            raise LessonRefused(ErrorCode.NO_AUDIO, f"{demuxer} without audio stream")
        stream = _default_track(container)
        announced_s = _announced_duration_s(container, stream)
        if announced_s > max_duration_s:
            raise LessonRefused(
                ErrorCode.TOO_LONG, f"{announced_s:.0f} s, at most {max_duration_s:.0f}"
            )
        whole_s, filled_s = _write_flac(container, stream, target, max_duration_s)
    # Where no index declares a gap, what is missing in the middle was lost.
    decoded_s = whole_s - filled_s if demuxer in WITHOUT_INDEX else whole_s
    if decoded_s <= 0 or decoded_s < MIN_DECODED_SHARE * announced_s:
        raise LessonRefused(
            ErrorCode.TRUNCATED_MEDIA,
            f"{decoded_s:.1f} s decoded of {announced_s:.1f} s announced",
        )
    return whole_s


def _riff_size(head: bytes) -> int:
    """Bytes that a WAV announces, 0 when it was streamed and announces nothing.

    ffmpeg takes the length of the file for it, so that a broken-off WAV looks whole.
    """
    size = int.from_bytes(head[4:8], "little")
    return size if size < STREAMED_RIFF_SIZE else 0


def _default_track(container: "InputContainer") -> "AudioStream":
    from av.stream import Disposition

    tracks = container.streams.audio
    return next((t for t in tracks if t.disposition & Disposition.default), tracks[0])


def _announced_duration_s(container: "InputContainer", stream: "AudioStream") -> float:
    """What the header promises, 0.0 when it promises nothing."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # Matroska: the container is as long as its picture, the tag as this track.
    clock = _TAGGED_DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if clock is not None:
        return sum(
            float(n) * s for n, s in zip(clock.groups(), (3600, 60, 1), strict=True)
        )
    return container.duration / 1_000_000 if container.duration else 0.0


def _write_flac(
    container: "InputContainer",
    stream: "AudioStream",
    target: Path,
    max_duration_s: float,
) -> tuple[float, float]:
    """Write the sound where it stands in the video.

    Returns the seconds from the video's start, and how many of them were filled after
    the first sound. Sound that starts late or pauses keeps its place: silence fills
    the gap, so that the time of a word is its time in the video.
    """
    import av
    from av.error import FFmpegError

    starts_s = (container.start_time or 0) / 1_000_000
    max_samples = round(max_duration_s * SAMPLE_RATE)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(target), "w", format="flac") as output:
        track = _FlacTrack(output, max_samples)
        frames = container.decode(stream)
        while True:
            try:
                frame = next(frames, None)
            except FFmpegError:
                # What was decoded so far is compared with what was announced.
                frame = None
            if frame is None:
                break
            if frame.time is not None:
                track.fill_until(round((frame.time - starts_s) * SAMPLE_RATE))
            for sound in resampler.resample(frame):
                track.write(sound)
        if track.samples:
            for sound in resampler.resample(None):
                track.write(sound)
        track.end()
    return track.samples / SAMPLE_RATE, track.filled / SAMPLE_RATE


class _FlacTrack:
    """The one track of a FLAC file, `samples` long so far."""

    def __init__(self, output: "OutputContainer", max_samples: int) -> None:
        self.samples = 0
        self.filled = 0
        self._output = output
        self._max_samples = max_samples
        self._encoder = output.add_stream("flac", rate=SAMPLE_RATE)
        self._encoder.layout = "mono"
        self._encoder.format = "s16"

    def fill_until(self, sample: int) -> None:
        """Add silence up to `sample`, unless the gap is too small to be one."""
        import av
        import numpy as np

        if sample - self.samples < GAP_SAMPLES:
            return
        if self.samples:
            self.filled += sample - self.samples
        while self.samples < sample:
            count = min(SAMPLE_RATE, sample - self.samples)
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, count), dtype=np.int16), format="s16", layout="mono"
            )
            silence.sample_rate = SAMPLE_RATE
            self.write(silence)

    def write(self, sound: "AudioFrame") -> None:
        """Add sound; raises `LessonRefused` when it grows longer than allowed."""
        sound.pts = self.samples
        self.samples += sound.samples
        if self.samples > self._max_samples:
            raise LessonRefused(ErrorCode.TOO_LONG, "longer than its header")
        self._output.mux(self._encoder.encode(sound))

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._output.mux(self._encoder.encode(None))
