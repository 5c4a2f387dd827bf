import hashlib
import io
import socket
import sys
import wave
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from mentora_pipelines.adapters.media.decoder import COPY_BYTES, PyAvDecoder
from mentora_pipelines.adapters.media.sniffing import sniff_container
from mentora_pipelines.errors import ErrorCode, LessonRefused
from tests.media_files import FASTSTART, Sound, Track, media
from tests.media_forgeries import png

LONGEST_S = 30.0
LARGEST = 4 << 20
_made_folders: list[Path] = []


def _remember_folders(event: str, details: tuple[object, ...]) -> None:
    if event == "tempfile.mkdtemp":
        _made_folders.append(Path(str(details[0])))


sys.addaudithook(_remember_folders)


@pytest.fixture(autouse=True)
def no_folder_stays() -> Iterator[None]:
    """Every private folder that a test's decoder made must be gone afterwards."""
    _made_folders.clear()
    yield
    assert _made_folders
    assert not any(folder.exists() for folder in _made_folders)


def decoded(content: bytes, **limits: float) -> tuple[float, Sound]:
    """The duration in seconds and the 16 kHz samples of an upload."""
    decoder = PyAvDecoder(
        max_bytes=int(limits.get("max_bytes", LARGEST)),
        max_duration_s=limits.get("max_duration_s", LONGEST_S),
    )
    with decoder.take_in(io.BytesIO(content)) as source:
        assert source.sha256 == hashlib.sha256(content).hexdigest()
        assert source.size == len(content)
        with (
            source.decode() as audio,
            av.open(audio.content, "r", format="flac") as flac,
        ):
            stream = flac.streams.audio[0]
            assert (stream.rate, stream.layout.name) == (16_000, "mono")
            samples = [frame.to_ndarray()[0] for frame in flac.decode(stream)]
            loudness = np.concatenate(samples).astype(np.float32) / 32768
            return audio.duration_s, loudness.astype(np.float32)


def refusal(content: bytes, **limits: float) -> ErrorCode:
    """Why an upload is refused."""
    with pytest.raises(LessonRefused) as refused:
        decoded(content, **limits)
    return refused.value.code


def pitch(sound: Sound) -> float:
    """The strongest tone, in hertz."""
    spectrum = np.abs(np.fft.rfft(sound))
    return float(np.argmax(spectrum) * 16_000 / len(sound))


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("mp4", "aac"),
        ("mov", "aac"),
        ("matroska", "aac"),
        ("webm", "libopus"),
        ("mp3", "libmp3lame"),
        ("wav", "pcm_s16le"),
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("mpegts", "aac"),
    ],
)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_every_promised_container_is_heard(
    container: str, codec: str, layout: str
) -> None:
    """Else creators are sent away with files that we promise to take."""
    seconds, sound = decoded(media(container, codec, Track(layout=layout)))
    assert seconds == pytest.approx(3.0, abs=0.15)
    assert len(sound) == pytest.approx(seconds * 16_000, abs=1)
    assert pitch(sound) == pytest.approx(440, abs=2)


def test_the_sound_of_a_video_is_heard() -> None:
    """Else the ordinary case, a video with sound, does not work."""
    seconds, sound = decoded(media("mp4", "aac", Track(), video_s=3))
    assert seconds == pytest.approx(3.0, abs=0.1)
    assert pitch(sound) == pytest.approx(440, abs=2)


def test_silence_is_sound() -> None:
    """Else a quiet recording is called truncated instead of without speech."""
    seconds, sound = decoded(media("mp4", "aac", Track(hertz=0), video_s=3))
    assert seconds == pytest.approx(3.0, abs=0.1)
    assert np.abs(sound).max() < 0.001


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_the_default_track_is_heard(container: str) -> None:
    """Else a lesson in two languages is transcribed in the wrong one."""
    tracks = (Track(hertz=440, is_default=False), Track(hertz=880))
    assert pitch(decoded(media(container, "aac", *tracks))[1]) == pytest.approx(
        880, abs=2
    )


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_video_longer_than_its_sound_is_not_truncated(container: str) -> None:
    """Else a lesson that ends with a silent slide is refused."""
    seconds, _ = decoded(media(container, "aac", Track(3.0), video_s=6))
    assert seconds == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_sound_that_starts_late_keeps_its_place(container: str) -> None:
    """Else every citation of the lesson points too early."""
    late = Track(3.0, silent_until_s=2.0)
    seconds, sound = decoded(media(container, "aac", late, video_s=6))
    assert seconds == pytest.approx(5.0, abs=0.15)
    assert np.abs(sound[: int(1.8 * 16_000)]).max() < 0.01
    assert np.abs(sound[int(2.2 * 16_000) :]).max() > 0.1


def test_a_stream_with_a_hole_is_refused() -> None:
    """Else half a lesson is taken for a whole one with a long pause."""
    whole = media("mpegts", "aac", Track(8.0), video_s=8)
    quarter = len(whole) // 4 // 188 * 188
    assert refusal(whole[:quarter] + whole[-quarter:]) is ErrorCode.TRUNCATED_MEDIA


def test_a_video_without_sound_is_refused() -> None:
    """Else a creator waits for the captions of a silent film."""
    assert refusal(media("mp4", "aac", video_s=2)) is ErrorCode.NO_AUDIO


def test_an_empty_upload_is_refused() -> None:
    """Else an upload that never began is called no recording."""
    assert refusal(b"") is ErrorCode.EMPTY_FILE


def test_a_longer_lesson_than_allowed_is_refused() -> None:
    """Else one upload takes a worker for a day."""
    content = media("mp4", "aac", Track(3.0))
    assert refusal(content, max_duration_s=2.0) is ErrorCode.TOO_LONG
    assert decoded(content, max_duration_s=3.5)[0] == pytest.approx(3.0, abs=0.1)


def test_a_longer_sound_than_its_header_says_is_cut_off() -> None:
    """Else a file that lies about its length fills the disk."""
    content = bytearray(media("flac", "flac", Track(20.0)))
    # The 36 bits that count the samples begin in the lower half of this byte.
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    assert refusal(bytes(content), max_duration_s=2.0) is ErrorCode.TOO_LONG


def test_a_larger_file_than_allowed_is_refused_while_it_is_copied() -> None:
    """Else one upload fills the disk before anybody looks at it."""
    content = media("wav", "pcm_s16le", Track(20.0))
    stream = io.BytesIO(content)
    decoder = PyAvDecoder(max_bytes=1 << 16, max_duration_s=LONGEST_S)
    with pytest.raises(LessonRefused) as refused, decoder.take_in(stream):
        pass
    assert refused.value.code is ErrorCode.TOO_LARGE
    assert stream.tell() <= COPY_BYTES < len(content)
    exact = media("wav", "pcm_s16le", Track(1.0))
    assert decoded(exact, max_bytes=len(exact))[0] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(
    ("container", "codec", "options"),
    [
        ("mp4", "aac", FASTSTART),
        ("mp4", "aac", None),
        ("matroska", "aac", None),
        ("flac", "flac", None),
        ("wav", "pcm_s16le", None),
    ],
    ids=["index first", "index last", "matroska", "flac", "wav"],
)
def test_a_file_that_breaks_off_is_refused(
    share: float, container: str, codec: str, options: dict[str, str] | None
) -> None:
    """Else half a lesson is published as a whole one."""
    whole = media(container, codec, Track(10.0), options=options)
    assert decoded(whole)[0] == pytest.approx(10.0, abs=0.2)
    part = whole[: int(share * len(whole))]
    assert refusal(part) is ErrorCode.TRUNCATED_MEDIA


def riff(path: Path) -> Path:
    """A sound file with a tone, for others to point at."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(64_000))
    return path


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"This is no video.\n" * 50, ErrorCode.NOT_MEDIA),
        (b"x", ErrorCode.NOT_MEDIA),
        (bytes(1000), ErrorCode.NOT_MEDIA),
        (png(), ErrorCode.NOT_MEDIA),
        (b"1\n00:00:00,000 --> 00:00:01,000\nHi\n", ErrorCode.NOT_MEDIA),
        (b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(400), ErrorCode.UNSUPPORTED_CONTAINER),
        (b"FLV\x01" + bytes(400), ErrorCode.UNSUPPORTED_CONTAINER),
    ],
    ids=["text", "one byte", "zeros", "png", "subtitles", "avi", "flv"],
)
def test_what_is_no_recording_is_refused(content: bytes, code: ErrorCode) -> None:
    """Else a creator reads that our side is broken, or is told nothing."""
    assert refusal(content) is code


def test_a_real_avi_is_refused_with_what_to_do() -> None:
    """Else a creator with an old camera is told that it is no video."""
    content = media("avi", "libmp3lame", Track(), video_s=2)
    assert refusal(content) is ErrorCode.UNSUPPORTED_CONTAINER


def playlists(target: str) -> Sequence[bytes]:
    """Small text files that make ffmpeg open `target`, if it is let."""
    return [
        f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        f"file '{target}'\n".encode(),
        f"#EXTM3U\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n".encode(),
        f"<?xml version='1.0'?><MPD><BaseURL>{target}</BaseURL></MPD>".encode(),
        f"v=0\nc=IN IP4 {target}\nm=audio 5004 RTP/AVP 0\n".encode(),
    ]


def test_a_playlist_opens_no_other_file_and_no_address(tmp_path: Path) -> None:
    """Else an upload reads another creator's lesson, or our network, aloud."""
    other = riff(tmp_path / "other.wav")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.wav"
        for content in (*playlists(str(other)), *playlists(address)):
            assert refusal(content) is ErrorCode.NOT_MEDIA
        with suppress(BlockingIOError):
            server.accept()
            pytest.fail("something was fetched from the address in a playlist")


def test_a_container_is_told_by_its_first_bytes_only() -> None:
    """Else ffmpeg guesses, and may guess a playlist."""
    assert sniff_container(b"\0\0\0\x20ftypisom" + bytes(400)) == "mp4"
    for playlist in playlists("a.wav"):
        with pytest.raises(LessonRefused):
            sniff_container(playlist)
    decoder = PyAvDecoder(max_bytes=LARGEST, max_duration_s=LONGEST_S)
    with decoder.take_in(io.BytesIO(b"x")) as source:
        assert source.path.parent in _made_folders
        assert [path.name for path in source.path.parent.iterdir()] == ["source"]
        assert source.path.parent.stat().st_mode & 0o077 == 0
