"""Which track of a container is heard, and how long the container says it is.

Here belongs what is known before anything is decoded. Not here: decoding.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.media.languages import is_tagged
from mentora_pipelines.errors import ErrorCode, LessonRefused

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

AUDIO_DECODERS = frozenset(
    {
        *("aac", "aac_latm", "ac3", "eac3", "alac", "flac", "opus", "libopus"),
        *("vorbis", "libvorbis", "mp3", "mp3float", "mp2", "mp2float"),
        *("adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "amrnb", "amrwb"),
        *("pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_u8", "pcm_s16be", "pcm_s16le"),
        *("pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le"),
        *("pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le"),
    }
)
"""What cameras, phones, recorders and editors write. Hundreds more exist, for games
and old films: much code that is little tested."""

_TAGGED_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a container says of its length, in seconds; 0.0 when it says nothing."""

    longest_s: float
    """Of the whole file, picture included."""
    track_s: float
    """Of the sound alone: what must come out of it."""


def chosen_track(container: "InputContainer", language: str | None) -> "AudioStream":
    """The first track tagged with `language`, else the default one, else the first.

    Raises `LessonRefused` when there is none, or its codec is not on our list.
    """
    from av.stream import Disposition

    tracks = container.streams.audio
    if not tracks:
        raise LessonRefused(ErrorCode.NO_AUDIO, "no audio stream")
    defaults = [t for t in tracks if t.disposition & Disposition.default]
    spoken = [
        t
        for t in (*defaults, *tracks)
        if language is not None and is_tagged(t.language, language)
    ]
    track = next(iter((*spoken, *defaults, *tracks)))
    name = codec_name(track)
    if name not in AUDIO_DECODERS:
        raise LessonRefused(ErrorCode.UNSUPPORTED_CODEC, f"sound stored as {name}")
    return track


def codec_name(track: "AudioStream") -> str:
    """The decoder of a track; `unknown` when ffmpeg has none."""
    # The stubs promise a context; a codec without decoder has none.
    context = getattr(track, "codec_context", None)
    return "unknown" if context is None else str(context.name)


def announcement(
    container: "InputContainer", track: "AudioStream", demuxer: str
) -> Announcement:
    """What the headers say; ffmpeg's estimates from the bit rate count for nothing."""
    track_s = 0.0
    if track.duration is not None and track.duration > 0 and track.time_base:
        track_s = float(track.duration * track.time_base)
    if demuxer == "matroska":
        # The container is as long as its picture, the tag as this track.
        clock = _TAGGED_DURATION.fullmatch(track.metadata.get("DURATION", ""))
        track_s = 0.0
        if clock is not None:
            parts = zip(clock.groups(), (3600, 60, 1), strict=True)
            track_s = sum(float(number) * unit for number, unit in parts)
    longest_s = max(track_s, (container.duration or 0) / 1_000_000)
    return Announcement(longest_s, track_s)
