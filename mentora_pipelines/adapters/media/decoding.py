"""One file decoded: opened, measured against what is allowed, written as FLAC.

Here belongs how ffmpeg is let at a file. Not here: the sound itself (`hearing`). Runs
in the decoder's own process (see `child`).
"""

import os
from collections.abc import Callable
from typing import BinaryIO

from mentora_pipelines.adapters.media.endings import break_off
from mentora_pipelines.adapters.media.flac import FlacTrack
from mentora_pipelines.adapters.media.hearing import Decoded, Hearing
from mentora_pipelines.adapters.media.limits import SAMPLE_RATE
from mentora_pipelines.adapters.media.mp3 import announced_s
from mentora_pipelines.adapters.media.tracks import (
    AUDIO_DECODERS,
    Announcement,
    announcement,
    chosen_track,
)
from mentora_pipelines.errors import ErrorCode, LessonRefused

ESTIMATED = ("mp3",)
"""Demuxers whose durations ffmpeg makes up from the bit rate of the first frames."""

ONLY_DESCRIPTORS = {"protocol_whitelist": "fd"}
"""ffmpeg may read what it is handed, and can name no file and no address."""


def decode(
    source: BinaryIO,
    target: BinaryIO,
    *,
    demuxer: str,
    language: str | None,
    max_duration_s: float,
    on_announced: Callable[[float], None],
) -> Decoded:
    """Write the sound of `source` to `target`; tell its announced length before.

    Raises `LessonRefused`, `MemoryError`, and `DiskFaultError` when `target`
    cannot be written.
    """
    import av
    from av.error import FFmpegError

    broken_off = break_off(source, demuxer)
    exact_s = announced_s(source) if demuxer in ESTIMATED else 0.0
    # ffmpeg reads on from where the descriptor stands, whatever Python has buffered.
    os.lseek(source.fileno(), 0, os.SEEK_SET)
    try:
        container = av.open(
            "fd:",
            format=demuxer,
            options={
                **ONLY_DESCRIPTORS,
                "fd": str(source.fileno()),
                # No picture is decoded to learn its size.
                "codec_whitelist": ",".join(sorted(AUDIO_DECODERS)),
            },
        )
    except MemoryError:
        raise
    except FFmpegError as error:
        # The magic is right and the index is missing: the upload broke off.
        raise LessonRefused(
            ErrorCode.TRUNCATED_MEDIA, f"{demuxer} does not open: {error.strerror}"
        ) from None
    with container:
        track = chosen_track(container, language)
        announced = announcement(container, track, demuxer)
        if demuxer in ESTIMATED:
            announced = Announcement(exact_s, exact_s)
        if announced.longest_s > max_duration_s:
            raise LessonRefused(
                ErrorCode.TOO_LONG,
                f"{announced.longest_s:.0f} s, at most {max_duration_s:.0f}",
            )
        if broken_off is not None:
            raise LessonRefused(ErrorCode.TRUNCATED_MEDIA, f"{demuxer} {broken_off}")
        on_announced(announced.longest_s)
        hearing = Hearing(container, track, demuxer)
        flac = FlacTrack(target, round(max_duration_s * SAMPLE_RATE))
        hearing.write(flac)
        flac.end()
        hearing.check(announced.track_s)
        return hearing.decoded()
