"""Transcripts: the words of a lesson, each with its time.

Here belong the shape of a transcript and of its versions. Not here: how one is heard
(`recognition`), or what of it is doubtful (`doubts`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import NotFound


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word; times in seconds from the start of the video."""

    text: str
    start_s: float
    end_s: float
    probability: float


class DoubtKind(StrEnum):
    """What is wrong, or may be, with what was heard."""

    REPETITION = "repetition"
    COMPRESSION = "compression"
    TOO_FAST = "too_fast"
    UNHEARD_SPEECH = "unheard_speech"
    STOCK_PHRASE = "stock_phrase"
    GLOSSARY_ECHO = "glossary_echo"
    LOW_PROBABILITY = "low_probability"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch whose words may be wrong, in seconds from the start of the video.

    `value` is the measure that passed its limit, in the unit of its kind.
    """

    kind: DoubtKind
    start_s: float
    end_s: float
    value: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One sentence (or a piece of an endless one) with the times of its words.

    `doubts` are those that touch it; of a sentence that a person wrote there are none.
    """

    text: str
    start_s: float
    end_s: float
    words: tuple[Word, ...]
    doubts: tuple[Doubt, ...] = ()


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

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What is doubtful in it, each once, by time."""
        every = {doubt for segment in self.segments for doubt in segment.doubts}
        return tuple(sorted(every, key=lambda doubt: (doubt.start_s, doubt.kind)))


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


def staged_transcript(video: Video, store: TranscriptStore) -> Transcript:
    """The version that the steps after recognition work on; raises `NotFound`."""
    if video.staged_transcript_id is None:
        raise NotFound(f"video {video.id} has no transcript yet: run `transcripts`")
    return store.transcript(video, video.staged_transcript_id)
