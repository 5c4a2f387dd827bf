"""Transcripts: the words of a lesson, each with its time.

Here belong the shape of a transcript, the port of the recogniser and the rule
when recognition is due. Not here: decoding sound, or any speech model.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import transcript_id_of
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.videos import Video, VideoStatus
from mentora_pipelines.errors import ErrorCode, LessonRefused, NotFound


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word; times in seconds from the start of the video."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One sentence (or a piece of an endless one) with the times of its words."""

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]


class Origin(StrEnum):
    """How a transcript version came about."""

    RECOGNISED = "recognised"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a transcriber heard: language as ISO 639-1, times in seconds."""

    language: str
    duration_s: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """One version of a video's transcript; `id` follows from what it was made of."""

    id: UUID
    video_id: UUID
    creator_id: UUID
    source_hash: str
    fingerprint: str
    origin: Origin
    language: str
    duration_s: float
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The whole transcript, one sentence a line."""
        return "\n".join(segment.text for segment in self.segments)

    @property
    def word_count(self) -> int:
        """Number of recognised words (not of blank-separated pieces)."""
        return sum(len(segment.words) for segment in self.segments)


@runtime_checkable
class Transcriber(Protocol):
    """Turns recorded speech into timed words."""

    @property
    def fingerprint(self) -> str:
        """Names the model and every parameter that changes the words it hears."""
        ...

    def transcribe(self, audio: Path) -> Recognition:
        """Recognise a 16 kHz mono FLAC file.

        Raises `TransientError` when a service did not answer and `PermanentError`
        when it refused.
        """
        ...


@dataclass(frozen=True, slots=True)
class TranscriptVersion:
    """What is known of a stored transcript without its words."""

    id: UUID
    source_hash: str
    fingerprint: str
    origin: Origin


@runtime_checkable
class TranscriptStore(Protocol):
    """Keeps every version of a video's transcript; one is staged at a time."""

    def transcript(self, video: Video, transcript_id: UUID) -> Transcript:
        """A version with its words; raises `NotFound`."""
        ...

    def transcript_version(
        self, video: Video, transcript_id: UUID
    ) -> TranscriptVersion | None:
        """What is known of a version, or None."""
        ...

    def stage_transcript(self, video: Video, transcript_id: UUID) -> None:
        """Make a stored version the one that the next steps work on."""
        ...

    def add_transcript(self, video: Video, transcript: Transcript) -> None:
        """Store a version and stage it, in one transaction; a stored one stays."""
        ...


@dataclass(frozen=True, slots=True)
class TranscriptFigures:
    """What one run of `transcribe_lesson` came to; `recognised` when it listened."""

    transcript: Transcript
    recognised: bool


def staged_transcript(video: Video, store: TranscriptStore) -> Transcript:
    """The version that the steps after recognition work on; raises `NotFound`."""
    if video.staged_transcript_id is None:
        raise NotFound(f"video {video.id} has no transcript yet: run `transcripts`")
    return store.transcript(video, video.staged_transcript_id)


def transcribe_lesson(
    video: Video,
    *,
    storage: ObjectStorage,
    transcriber: Transcriber,
    store: TranscriptStore,
    status: VideoStatus,
) -> TranscriptFigures:
    """Recognise the newest audio of `video` unless this transcriber has done so.

    An edited version of the same bytes stays. Raises `LessonRefused` when nobody
    speaks in the lesson.
    """
    if video.audio_key is None or video.source_hash is None:
        raise NotFound(f"video {video.id} has no audio yet: run `audio`")
    wanted = transcript_id_of(video.id, video.source_hash, transcriber.fingerprint)
    if video.staged_transcript_id is not None:
        staged = store.transcript_version(video, video.staged_transcript_id)
        if staged is not None and (
            staged.id == wanted
            or (
                staged.origin is Origin.EDITED
                and staged.source_hash == video.source_hash
            )
        ):
            return TranscriptFigures(store.transcript(video, staged.id), False)

    status.mark_processing(video)
    if store.transcript_version(video, wanted) is not None:
        store.stage_transcript(video, wanted)
        return TranscriptFigures(store.transcript(video, wanted), False)

    with storage.local(video.audio_key) as audio:
        heard = transcriber.transcribe(audio)
    if not any(segment.words for segment in heard.segments):
        raise LessonRefused(
            ErrorCode.NO_SPEECH, f"no word in {heard.duration_s:.1f} s of audio"
        )
    transcript = Transcript(
        id=wanted,
        video_id=video.id,
        creator_id=video.creator_id,
        source_hash=video.source_hash,
        fingerprint=transcriber.fingerprint,
        origin=Origin.RECOGNISED,
        language=heard.language,
        duration_s=heard.duration_s,
        segments=heard.segments,
    )
    store.add_transcript(video, transcript)
    return TranscriptFigures(transcript, True)
