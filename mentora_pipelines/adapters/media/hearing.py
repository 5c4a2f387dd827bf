"""The chosen track, from its first packet to its last: each word at its time.

Here belong gaps, damage and the measure of what was heard. Not here: the conversion
of samples (`folding`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.media.flac import FlacTrack
from mentora_pipelines.adapters.media.folding import Folder
from mentora_pipelines.adapters.media.limits import MIN_SHARE, SAMPLE_RATE
from mentora_pipelines.adapters.media.tracks import codec_name
from mentora_pipelines.errors import ErrorCode, LessonRefused

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

WITHOUT_INDEX = ("mpegts",)
"""Demuxers of streams, in which a lost piece leaves nothing but a gap."""

GAP_SAMPLES = SAMPLE_RATE // 10
"""Smaller differences between sound and clock are rounding and the decoder's delay."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came out of a file."""

    duration_s: float
    codec: str
    channels: str
    language: str | None
    one_sided_share: float
    """Of its blocks, those taken from one channel since the mix would cancel."""


class Hearing:
    """One track being heard, from its first packet to its last."""

    def __init__(
        self, container: "InputContainer", track: "AudioStream", demuxer: str
    ) -> None:
        from av.stream import Discard

        for stream in container.streams:
            if stream.index != track.index:
                stream.discard = Discard.all
        self._container = container
        self._track = track
        self._is_stream = demuxer in WITHOUT_INDEX
        self._starts_s = (container.start_time or 0) / 1_000_000
        self._folder = Folder()
        self._heard = 0
        self._written = 0
        self._lost = 0
        self._channels = ""
        self._is_damaged = False

    def write(self, flac: FlacTrack) -> None:
        """Write the sound where it stands in the video.

        Sound that starts late or pauses keeps its place: silence fills the gap, so
        that the time of a word is its time in the video.
        """
        for frame in self._frames():
            if frame.time is not None:
                self._fill_until(
                    round((frame.time - self._starts_s) * SAMPLE_RATE), flac
                )
            self._is_damaged = False
            self._heard += frame.samples
            self._channels = frame.layout.name
            for block in self._folder.push(frame):
                flac.write(block)
        for block in self._folder.flush():
            flac.write(block)
        self._written = flac.samples

    def check(self, announced_s: float) -> None:
        """Raise `LessonRefused` unless what was announced was heard."""
        heard_s = (self._written - self._lost) / SAMPLE_RATE
        if self._heard == 0 and announced_s == 0 and not self._is_damaged:
            raise LessonRefused(ErrorCode.NO_AUDIO, "an audio track without sound")
        if self._heard == 0 or heard_s < MIN_SHARE * announced_s:
            raise LessonRefused(
                ErrorCode.TRUNCATED_MEDIA,
                f"{heard_s:.1f} s decoded of {announced_s:.1f} s announced",
            )

    def decoded(self) -> Decoded:
        """What came out."""
        return Decoded(
            duration_s=self._written / SAMPLE_RATE,
            codec=codec_name(self._track),
            channels=self._channels,
            language=self._track.language,
            one_sided_share=self._folder.one_sided_blocks / max(1, self._folder.blocks),
        )

    def _frames(self) -> "Iterator[AudioFrame]":
        """What decodes; a damaged packet is passed over, as players do it."""
        from av.error import FFmpegError

        packets = self._container.demux(self._track)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
            except MemoryError:
                raise
            except FFmpegError:
                # What was heard so far is compared with what was announced.
                self._is_damaged = True
                return
            try:
                frames = packet.decode()
            except MemoryError:
                raise
            except FFmpegError:
                self._is_damaged = True
                continue
            yield from frames

    def _fill_until(self, sample: int, flac: FlacTrack) -> None:
        """Add silence up to `sample`, unless the gap is too small to be one.

        Where no index declares a gap, and where a packet did not decode, what is
        missing in the middle was lost.
        """
        position = flac.samples + round(self._folder.pending_s * SAMPLE_RATE)
        if sample - position < GAP_SAMPLES:
            return
        for block in self._folder.flush():
            flac.write(block)
        gap = sample - flac.samples
        if self._is_damaged or (self._is_stream and self._heard):
            self._lost += gap
        flac.write_silence(gap)
