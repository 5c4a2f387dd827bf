"""Good and bad uploads, each with what must become of it; all made by `corpus`.

Small on purpose: what a file costs its decoder must not depend on luck.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mentora_pipelines.errors import ErrorCode
from tests.media_files import FASTSTART, Track, media
from tests.media_forgeries import (
    box,
    centred,
    compressed_index,
    ffconcat,
    flipped,
    hls,
    id3,
    linked,
    many_samples,
    png,
    reference_movie,
    rf64,
    silent_flac,
    subtitles_in,
    tone16,
    wav,
    zeroed,
)

LONGEST_S = 600.0
"""The limit under which the corpus is decoded."""


@dataclass(frozen=True)
class Bait:
    """A sound file and an address that a bad upload points at."""

    path: str
    url: str


@dataclass(frozen=True)
class Upload:
    """A file, and either the tone it must become or the codes it may be refused with.

    `hertz` is 0 for silence; `spans` are the seconds in which the tone must stand.
    """

    make: Callable[[Bait], bytes]
    seconds: float = 0.0
    hertz: float = 440.0
    codes: tuple[ErrorCode, ...] = ()
    language: str | None = None
    spans: tuple[tuple[float, float], ...] = ()


def _good(
    make: Callable[[], bytes],
    seconds: float = 3.0,
    *,
    hertz: float = 440.0,
    language: str | None = None,
    spans: tuple[tuple[float, float], ...] = (),
) -> Upload:
    return Upload(
        lambda _: make(), seconds, hertz=hertz, language=language, spans=spans
    )


def _bad(make: Callable[[], bytes] | bytes, *codes: ErrorCode) -> Upload:
    content = make if callable(make) else lambda: make
    return Upload(lambda _: content(), codes=codes)


def _lure(make: Callable[[str], bytes], *codes: ErrorCode) -> dict[str, Upload]:
    return {
        "a file": Upload(lambda bait: make(bait.path), codes=codes),
        "an address": Upload(lambda bait: make(bait.url), codes=codes),
    }


TRUNCATED = ErrorCode.TRUNCATED_MEDIA
NOT_MEDIA = ErrorCode.NOT_MEDIA
UNSUPPORTED = ErrorCode.UNSUPPORTED_CONTAINER
NO_AUDIO = ErrorCode.NO_AUDIO
CRASHED = ErrorCode.DECODER_CRASHED

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
LIVE = {"live": "1"}
CBR = {"write_xing": "0"}
ANTI = (1.0, -1.0)


def _half(make: Callable[[], bytes], share: float = 0.5) -> Upload:
    def cut() -> bytes:
        whole = make()
        # Odd, so that it is the middle of whatever the file is made of.
        return whole[: int(share * len(whole)) | 1]

    return _bad(cut, TRUNCATED)


def _mp3(seconds: float = 8.0, **options: str) -> bytes:
    return media("mp3", "libmp3lame", Track(seconds), options=options or None)


def _turning() -> bytes:
    """In phase for three seconds, then with one sign turned over."""
    straight = tone16(3, 16_000, 2)
    turned = np.frombuffer(straight, dtype="<i2").copy()
    turned[1::2] *= -1
    return wav(16_000, 2, straight + turned.tobytes())


CORPUS: dict[str, Upload] = {
    # What creators upload.
    "video with sound": _good(lambda: media("mp4", "aac", Track(), video_s=3)),
    "index first": _good(lambda: media("mp4", "aac", Track(), options=FASTSTART)),
    "fragmented mp4": _good(
        lambda: media("mp4", "aac", Track(8), video_s=8, options=FRAGMENTED), 8.0
    ),
    "quicktime": _good(lambda: media("mov", "aac", Track(layout="stereo"))),
    "quicktime, alac": _good(lambda: media("mov", "alac", Track())),
    "phone": _good(lambda: media("3gp", "aac", Track(rate=16_000))),
    "mkv, flac": _good(lambda: media("matroska", "flac", Track(), video_s=3)),
    "webm": _good(lambda: media("webm", "libopus", Track())),
    "webm recorded live": _good(
        lambda: media("webm", "libopus", Track(), options=LIVE)
    ),
    "ogg vorbis": _good(lambda: media("ogg", "vorbis", Track(layout="stereo"))),
    "ogg opus": _good(lambda: media("ogg", "libopus", Track())),
    "mp3": _good(_mp3, 8.0),
    "mp3 without a header": _good(lambda: _mp3(write_xing="0"), 8.0),
    "mp3 in mp4": _good(lambda: media("mp4", "libmp3lame", Track())),
    "wav": _good(lambda: media("wav", "pcm_s16le", Track())),
    "wav for more than 4 GB": _good(lambda: rf64(wav(16_000, 1, tone16(3, 16_000)))),
    "flac": _good(lambda: media("flac", "flac", Track())),
    "flac behind a tag": _good(lambda: id3(media("flac", "flac", Track()), 100)),
    "transport stream": _good(lambda: media("mpegts", "aac", Track(), video_s=3)),
    # Sound in unusual numbers.
    "telephone": _good(lambda: media("wav", "pcm_mulaw", Track(rate=8000))),
    "96 kHz, floating point": _good(
        lambda: media("wav", "pcm_f32le", Track(rate=96_000))
    ),
    "a rate of old Macintoshes": _good(
        lambda: media("mov", "pcm_s16le", Track(rate=22_255))
    ),
    "adpcm": _good(lambda: media("wav", "adpcm_ima_wav", Track())),
    "12 channels": _good(lambda: wav(16_000, 12, tone16(3, 16_000, 12))),
    "surround, places unsaid": _good(lambda: wav(16_000, 6, centred(3, 16_000))),
    "surround": _good(lambda: media("mp4", "ac3", Track(layout="5.1"))),
    "surround, voice in the centre": _good(
        lambda: media("mp4", "aac", Track(layout="5.1", gains=(0, 0, 1, 0, 0, 0)))
    ),
    "surround, sides turned over": _good(
        lambda: media("mp4", "ac3", Track(layout="5.1", gains=(1, -1, 0, 0, 0, 0)))
    ),
    "anti-phase": _good(
        lambda: media("mp4", "aac", Track(layout="stereo", gains=ANTI))
    ),
    "anti-phase from the middle on": _good(
        _turning, 6.0, spans=((0.2, 2.4), (3.6, 5.8))
    ),
    "one side only": _good(
        lambda: media("mp4", "aac", Track(layout="stereo", gains=(0.0, 1.0)))
    ),
    "mono, then stereo": _good(
        lambda: (
            _mp3(2.0, write_xing="0")
            + media("mp3", "libmp3lame", Track(2, layout="stereo"), options=CBR)
        ),
        4.0,
    ),
    # Which track.
    "default track not first": _good(
        lambda: media("mp4", "aac", Track(hertz=880, is_default=False), Track())
    ),
    "a track per language": Upload(
        lambda _: media(
            "matroska",
            "aac",
            Track(hertz=880, language="eng"),
            Track(is_default=False, language="ger"),
        ),
        3.0,
        language="de",
    ),
    "a language nobody speaks": Upload(
        lambda _: media(
            "mp4",
            "aac",
            Track(language="eng"),
            Track(hertz=880, is_default=False, language="fra"),
        ),
        3.0,
        language="de",
    ),
    # Where it stands in time.
    "late sound": _good(
        lambda: media("mp4", "aac", Track(silent_until_s=2), video_s=6),
        5.0,
        spans=((2.2, 4.8),),
    ),
    "clock starts late": _good(
        lambda: media(
            "mpegts", "aac", Track(), video_s=3, options={"output_ts_offset": "3600"}
        )
    ),
    "variable frame rate": _good(
        lambda: media("mp4", "aac", Track(), frame_times=(0, 0.1, 0.5, 1.7, 1.72, 2.9))
    ),
    "sound shorter than picture": _good(
        lambda: media("matroska", "aac", Track(), video_s=9)
    ),
    # Large and damaged, but whole.
    "a picture of 40 MB in the tag": _good(lambda: id3(_mp3(), 40 << 20), 8.0),
    "a tag of 256 MB that is not there": _bad(
        lambda: b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + _mp3(), TRUNCATED, NOT_MEDIA
    ),
    "a few bits flipped, mp3": _good(lambda: flipped(_mp3(), 0.0002), 8.0),
    "silence": _good(lambda: media("mp4", "aac", Track(hertz=0)), hertz=0),
    # Bombs.
    "10 h of silence in 72 kB": _bad(lambda: silent_flac(10), ErrorCode.TOO_LONG),
    "10 h of silence, unannounced": _bad(
        lambda: silent_flac(10, announced=False), ErrorCode.TOO_LONG
    ),
    "an index of 4 billion samples": _bad(
        lambda: many_samples(0xFFFF_FFF0), ErrorCode.TOO_LONG, TRUNCATED, CRASHED
    ),
    "an index that claims 60 million samples": _good(
        lambda: many_samples(60_000_000), 0.5
    ),
    "an index that unpacks to 64 MB": _bad(
        lambda: compressed_index(64), TRUNCATED, NO_AUDIO, CRASHED
    ),
    "65,535 channels": _bad(
        lambda: wav(16_000, 65_535, bytes(131_070 * 4)), TRUNCATED, NO_AUDIO, CRASHED
    ),
    "a rate of 4 GHz": _bad(
        lambda: wav(0xFFFF_FFFF, 1, bytes(64_000)), TRUNCATED, NO_AUDIO, CRASHED
    ),
    "a rate of nothing": _bad(
        lambda: wav(0, 1, bytes(64_000)), TRUNCATED, NO_AUDIO, CRASHED
    ),
    # Broken off, or damaged beyond use.
    "half an mp4, index first": _half(
        lambda: media("mp4", "aac", Track(8), options=FASTSTART)
    ),
    "half an mp4, index last": _half(lambda: media("mp4", "aac", Track(8))),
    "half a fragmented mp4": _half(
        lambda: media("mp4", "aac", Track(8), video_s=8, options=FRAGMENTED)
    ),
    "half an mkv": _half(lambda: media("matroska", "aac", Track(8), video_s=8)),
    "half a live webm": _half(lambda: media("webm", "libopus", Track(8), options=LIVE)),
    "half an ogg": _half(lambda: media("ogg", "libopus", Track(8))),
    "half an mp3": _half(_mp3),
    "half an mp3 without a header": _half(lambda: _mp3(write_xing="0")),
    "half a wav": _half(lambda: media("wav", "pcm_s16le", Track(8))),
    "half a flac": _half(lambda: media("flac", "flac", Track(8))),
    "half a transport stream": _half(
        lambda: media("mpegts", "aac", Track(8), video_s=8)
    ),
    "mp4 without its middle": _bad(
        lambda: zeroed(media("mp4", "aac", Track(8), options=FASTSTART)), TRUNCATED
    ),
    "mkv without its middle": _bad(
        lambda: zeroed(media("matroska", "aac", Track(8))), TRUNCATED
    ),
    "mp3 without its middle": _bad(lambda: zeroed(_mp3()), TRUNCATED),
    "a tag and nothing else": _bad(lambda: id3(b"", 1000), TRUNCATED),
    # No sound.
    "picture without sound": _bad(lambda: media("mp4", "aac", video_s=2), NO_AUDIO),
    "a sound track of nothing": _bad(
        lambda: media("matroska", "libopus", Track(0), video_s=2), NO_AUDIO
    ),
    "subtitles in mkv": _bad(lambda: subtitles_in("matroska"), NO_AUDIO),
    "sound nobody plays": _bad(
        lambda: media("matroska", "tta", Track()), ErrorCode.UNSUPPORTED_CODEC
    ),
    # No recording at all, or one we do not take.
    "nothing": _bad(b"", ErrorCode.EMPTY_FILE),
    "one byte": _bad(b"x", NOT_MEDIA),
    "text": _bad(b"Dear students, the video will follow.\n" * 20, NOT_MEDIA),
    "subtitles": _bad(b"1\n00:00:00,000 --> 00:00:01,000\nHi\n", NOT_MEDIA),
    "a picture": _bad(png, NOT_MEDIA),
    "an archive": _bad(b"PK\x03\x04" + bytes(400), NOT_MEDIA),
    "only the magic of an mp4": _bad(box(b"ftyp", b"isom\0\0\0\0isom"), TRUNCATED),
    "avi": _bad(lambda: media("avi", "libmp3lame", Track(), video_s=2), UNSUPPORTED),
    "adts": _bad(lambda: media("adts", "aac", Track()), UNSUPPORTED),
    "mp2": _bad(lambda: media("mp2", "mp2", Track()), UNSUPPORTED),
    "aiff": _bad(lambda: media("aiff", "pcm_s16be", Track()), UNSUPPORTED),
    "caf": _bad(lambda: media("caf", "pcm_s16be", Track()), UNSUPPORTED),
    # Pointers to what is not the creator's.
    **{
        f"{name}: {what}": upload
        for name, make, codes in (
            ("ffconcat", ffconcat, (NOT_MEDIA,)),
            ("hls", hls, (NOT_MEDIA,)),
            (
                "ffconcat behind mp4's magic",
                lambda t: box(b"ftyp", b"isom\0\0\0\0") + ffconcat(t),
                (TRUNCATED,),
            ),
            ("hls behind a tag", lambda t: id3(hls(t), 10), (TRUNCATED,)),
            ("reference movie", reference_movie, (TRUNCATED, NO_AUDIO)),
            ("linked samples", linked, (TRUNCATED, NO_AUDIO)),
            (
                "sdp",
                lambda t: f"v=0\nc=IN IP4 {t}\nm=audio 5004 RTP/AVP 0\n".encode(),
                (NOT_MEDIA,),
            ),
        )
        for what, upload in _lure(make, *codes).items()
    },
}
