"""The FLAC file that is made: one mono track, written as it comes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from mentora_pipelines.adapters.media.limits import SAMPLE_RATE
from mentora_pipelines.errors import ErrorCode, LessonRefused

if TYPE_CHECKING:
    from av import AudioFrame, Packet
    from av.audio.stream import AudioStream


class DiskFaultError(Exception):
    """The file could not be written; the message is the system's."""


class FlacTrack:
    """The one track of `target`, `samples` long so far."""

    def __init__(self, target: BinaryIO, max_samples: int) -> None:
        import av

        self.samples = 0
        self._target = target
        self._output = av.open(target, "w", format="flac")
        self._max_samples = max_samples
        self._encoder = self._output.add_stream("flac", rate=SAMPLE_RATE)
        self._encoder.layout = "mono"
        self._encoder.format = "s16"

    def write(self, sound: "AudioFrame") -> None:
        """Add sound; raises `LessonRefused` when it grows longer than allowed."""
        sound.pts = self.samples
        self.samples += sound.samples
        if self.samples > self._max_samples:
            raise LessonRefused(ErrorCode.TOO_LONG, "longer than its header")
        self._put(self._encoder.encode(sound))

    def write_silence(self, samples: int) -> None:
        """Add silence; raises as `write` does."""
        import av

        while samples > 0:
            count = min(SAMPLE_RATE, samples)
            silence = av.AudioFrame("s16", "mono", count)
            silence.sample_rate = SAMPLE_RATE
            plane = silence.planes[0]
            plane.update(bytes(plane.buffer_size))
            self.write(silence)
            samples -= count

    def end(self) -> None:
        """Write what the encoder still holds, and the length into the header."""
        self._put(self._encoder.encode(None))
        with _told_apart():
            self._output.close()
            self._target.flush()

    def _put(self, packets: "list[Packet[AudioStream]]") -> None:
        with _told_apart():
            self._output.mux(packets)


@contextmanager
def _told_apart() -> Iterator[None]:
    """A full disk of this machine is no fault of the file that is read."""
    from av.error import FFmpegError

    try:
        yield
    except (FFmpegError, OSError) as error:
        raise DiskFaultError(error.strerror or type(error).__name__) from None
