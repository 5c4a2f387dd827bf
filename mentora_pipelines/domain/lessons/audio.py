"""Audio: the sound of an upload, as the recogniser wants it.

Here belong the rule when an upload is decoded, the limits it must keep and the
port of the decoder. Not here: containers and codecs (see `adapters/`).
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.videos import Video, VideoStatus
from mentora_pipelines.errors import ErrorCode, LessonRefused

AUDIO_PREFIX = "audio/"


@dataclass(frozen=True, slots=True)
class DecodedAudio:
    """Sound as 16 kHz mono FLAC; `content` is open for reading from its start."""

    content: BinaryIO
    duration_s: float
    facts: "SoundFacts"


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """What was found on the way, for whoever wonders why a lesson sounds as it does.

    `language` is the track's tag; `one_sided_share` that of the sound taken from one
    channel, since mixing would have cancelled it; `is_confined` whether the decoder
    could open nothing.
    """

    container: str
    codec: str
    channels: str
    language: str | None
    one_sided_share: float
    decoder_cpu_s: float
    decoder_peak_bytes: int
    is_confined: bool


@runtime_checkable
class Source(Protocol):
    """An upload on local disk, private to this run."""

    @property
    def sha256(self) -> str:
        """Hash of all its bytes, 64 hexadecimal digits."""
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    def decode(self) -> AbstractContextManager[DecodedAudio]:
        """The sound of the audio track that is heard.

        Raises `LessonRefused` with the code of what is wrong with the file, and
        `TransientError` when this machine was at fault.
        """
        ...


@runtime_checkable
class MediaDecoder(Protocol):
    """Takes uploads in and gets the sound out of them."""

    @property
    def fingerprint(self) -> str:
        """Names all that decides what sound comes out of given bytes.

        Safe as a part of a storage key.
        """
        ...

    def take_in(
        self, content: BinaryIO, expected_bytes: int = 0
    ) -> AbstractContextManager[Source]:
        """Copy the stream to a private place, hashing it on the way.

        `expected_bytes` is its size as far as it is known. Raises `LessonRefused` when
        it is empty or larger than allowed, `TransientError` when there is no room.
        """
        ...


@runtime_checkable
class AudioStore(Protocol):
    """Remembers what an upload was and where its sound lies."""

    def record_source(
        self,
        video: Video,
        *,
        etag: str,
        source_hash: str,
        audio_key: str,
        duration_s: float,
    ) -> None:
        """Make these bytes the newest ones of the video."""
        ...


@dataclass(frozen=True, slots=True)
class AudioFigures:
    """What one run of `extract_audio` found; `decoded` is False when it was known."""

    audio_key: str
    duration_s: float
    source_bytes: int
    decoded: bool
    facts: SoundFacts | None = None
    """Known when it was decoded."""


def audio_key_of(source_hash: str, decoder: str) -> str:
    """Where the sound lies that this decoder makes of these bytes."""
    return f"{AUDIO_PREFIX}{source_hash}/{decoder}.flac"


def extract_audio(
    video: Video,
    *,
    storage: ObjectStorage,
    decoder: MediaDecoder,
    store: AudioStore,
    status: VideoStatus,
) -> AudioFigures:
    """Decode the newest bytes of `video` unless this decoder has done so.

    Raises `LessonRefused` when they are missing or cannot become a lesson.
    """
    upload = storage.stat(video.storage_key)
    if upload is None:
        raise LessonRefused(ErrorCode.UPLOAD_MISSING, "nothing under the storage key")
    if (
        video.source_etag == upload.etag
        and video.source_hash is not None
        and video.audio_key == audio_key_of(video.source_hash, decoder.fingerprint)
        and video.duration_s is not None
        and storage.stat(video.audio_key) is not None
    ):
        return AudioFigures(
            video.audio_key, video.duration_s, upload.size, decoded=False
        )

    status.mark_processing(video)
    with (
        # What is recorded under the etag must be its bytes, not newer ones.
        storage.open(video.storage_key, etag=upload.etag) as content,
        decoder.take_in(content, upload.size) as source,
    ):
        audio_key = audio_key_of(source.sha256, decoder.fingerprint)
        known_s = video.duration_s if video.audio_key == audio_key else None
        facts = None
        if known_s is not None and storage.stat(audio_key) is not None:
            duration_s = known_s
        else:
            with source.decode() as audio:
                storage.put(audio_key, audio.content)
                duration_s, facts = audio.duration_s, audio.facts
        store.record_source(
            video,
            etag=upload.etag,
            source_hash=source.sha256,
            audio_key=audio_key,
            duration_s=duration_s,
        )
        return AudioFigures(
            audio_key, duration_s, source.size, facts is not None, facts
        )
