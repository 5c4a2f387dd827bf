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
        """The sound of its default audio track.

        Raises `LessonRefused` with the code of what is wrong with the file.
        """
        ...


@runtime_checkable
class MediaDecoder(Protocol):
    """Takes uploads in and gets the sound out of them."""

    def take_in(self, content: BinaryIO) -> AbstractContextManager[Source]:
        """Copy the stream to a private place, hashing it on the way.

        Raises `LessonRefused` when it is empty or larger than allowed.
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


def audio_key_of(source_hash: str) -> str:
    """Where the sound of these bytes lies: named by content."""
    return f"{AUDIO_PREFIX}{source_hash}.flac"


def extract_audio(
    video: Video,
    *,
    storage: ObjectStorage,
    decoder: MediaDecoder,
    store: AudioStore,
    status: VideoStatus,
) -> AudioFigures:
    """Decode the newest bytes of `video` unless that was done before.

    Raises `LessonRefused` when they are missing or cannot become a lesson.
    """
    upload = storage.stat(video.storage_key)
    if upload is None:
        raise LessonRefused(ErrorCode.UPLOAD_MISSING, "nothing under the storage key")
    if (
        video.source_etag == upload.etag
        and video.audio_key is not None
        and video.duration_s is not None
        and storage.stat(video.audio_key) is not None
    ):
        return AudioFigures(
            video.audio_key, video.duration_s, upload.size, decoded=False
        )

    status.mark_processing(video)
    with (
        storage.open(video.storage_key) as content,
        decoder.take_in(content) as source,
    ):
        audio_key = audio_key_of(source.sha256)
        known_s = video.duration_s if source.sha256 == video.source_hash else None
        if known_s is not None and storage.stat(audio_key) is not None:
            duration_s, decoded = known_s, False
        else:
            with source.decode() as audio:
                storage.put(audio_key, audio.content)
                duration_s, decoded = audio.duration_s, True
        store.record_source(
            video,
            etag=upload.etag,
            source_hash=source.sha256,
            audio_key=audio_key,
            duration_s=duration_s,
        )
        return AudioFigures(audio_key, duration_s, source.size, decoded)
