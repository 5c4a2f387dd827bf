import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from mentora_pipelines.domain.lessons.audio import (
    AudioFigures,
    DecodedAudio,
    SoundFacts,
    extract_audio,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode
from tests.fakes import PENDING_VIDEO, FakeStorage

FACTS = SoundFacts("mp4", "aac", "stereo", "und", 0.0, 1.0, 1, is_confined=True)


@dataclass
class OneSource:
    """Satisfies `Source`."""

    sha256: str
    size: int
    decoder: "CountingDecoder"

    @contextmanager
    def decode(self) -> Iterator[DecodedAudio]:
        """The name of the rules, as sound."""
        self.decoder.decoded += 1
        sound = io.BytesIO(self.decoder.fingerprint.encode())
        yield DecodedAudio(sound, 3.0, FACTS)


@dataclass
class CountingDecoder:
    """Satisfies `MediaDecoder`; all files have the same bytes."""

    fingerprint: str = "rules-1"
    taken_in: list[int] = field(default_factory=list)
    decoded: int = 0

    @contextmanager
    def take_in(
        self, content: BinaryIO, expected_bytes: int = 0
    ) -> Iterator[OneSource]:
        """Note what was expected."""
        self.taken_in.append(expected_bytes)
        yield OneSource("a" * 64, len(content.read()), self)


@dataclass
class OneVideo:
    """Satisfies `AudioStore` and `VideoStatus` for the row it holds."""

    video: Video = PENDING_VIDEO

    def record_source(
        self,
        video: Video,
        *,
        etag: str,
        source_hash: str,
        audio_key: str,
        duration_s: float,
    ) -> None:
        """Keep it."""
        self.video = replace(
            video,
            source_etag=etag,
            source_hash=source_hash,
            audio_key=audio_key,
            duration_s=duration_s,
        )

    def mark_processing(self, video: Video) -> None:
        """Nobody asks."""

    def mark_failed(self, video: Video, code: ErrorCode) -> None:
        """Nobody asks."""


def extract(
    storage: FakeStorage, decoder: CountingDecoder, row: OneVideo
) -> AudioFigures:
    """One run of the step."""
    return extract_audio(
        row.video, storage=storage, decoder=decoder, store=row, status=row
    )


def uploaded(content: bytes = b"0123456789") -> FakeStorage:
    """A storage with the upload of the video."""
    storage = FakeStorage()
    storage.put(PENDING_VIDEO.storage_key, io.BytesIO(content))
    return storage


def test_the_same_bytes_are_decoded_once() -> None:
    """Else every re-run of a lesson pays for its decoding."""
    storage, decoder, row = uploaded(), CountingDecoder(), OneVideo()
    first = extract(storage, decoder, row)
    assert (first.decoded, first.facts) == (True, FACTS)
    assert decoder.taken_in == [10]
    second = extract(storage, decoder, row)
    assert second == replace(first, decoded=False, facts=None)
    # Touched, not changed: the bytes are read again and found to be known.
    row.video = replace(row.video, source_etag="another")
    assert extract(storage, decoder, row) == second
    assert decoder.decoded == 1


def test_other_rules_of_decoding_make_other_audio() -> None:
    """Else a better decoder, or another language, changes nothing for old lessons."""
    storage, row = uploaded(), OneVideo()
    old = extract(storage, CountingDecoder(), row)
    newer = CountingDecoder("rules-2")
    new = extract(storage, newer, row)
    assert new.decoded
    assert new.audio_key != old.audio_key
    assert row.video.audio_key == new.audio_key
    for figures, sound in ((old, b"rules-1"), (new, b"rules-2")):
        with storage.open(figures.audio_key) as content:
            assert content.read() == sound
    assert not extract(storage, newer, row).decoded


def test_lost_audio_is_decoded_again() -> None:
    """Else a cleaned-up store leaves lessons that can never be processed again."""
    storage, decoder, row = uploaded(), CountingDecoder(), OneVideo()
    audio_key = extract(storage, decoder, row).audio_key
    del storage.objects[audio_key]
    assert extract(storage, decoder, row).decoded
    assert storage.stat(audio_key) is not None
