"""Captions: the transcript as cues that a player shows.

Here belong the track of a lesson and the two file formats, WebVTT and SRT. Not here:
where a cue ends (`cue_cutting`), what makes it a good one (`caption_review`), or where
the files lie.
"""

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.caption_review import (
    CaptionReview,
    review_captions,
)
from mentora_pipelines.domain.lessons.caption_rules import Cue
from mentora_pipelines.domain.lessons.cue_cutting import cut_cues
from mentora_pipelines.domain.lessons.transcripts import (
    Transcript,
    TranscriptStore,
    staged_transcript,
)
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.videos import Video

CAPTIONS_PREFIX = "captions/"


class CaptionFormat(StrEnum):
    """File formats of captions, named by their extension."""

    VTT = "vtt"
    SRT = "srt"


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """The captions of one transcript version in one language (ISO 639-1)."""

    language: str
    storage_key: str
    cues: tuple[Cue, ...]

    @property
    def cut(self) -> str:
        """Names a way to cut a version into captions: SHA-256 of all that they are."""
        cues = "\n".join(repr((c.start_s, c.end_s, c.text)) for c in self.cues)
        return content_hash(f"{self.language}\n{self.storage_key}\n{cues}")


@runtime_checkable
class CaptionStore(Protocol):
    """Keeps the caption track of each transcript version, and of each way to cut it."""

    def caption_track(self, video: Video, transcript_id: UUID) -> CaptionTrack | None:
        """The track of a version, or None.

        The one that readers see if the version is published, else the staged one; a
        version that is neither has none.
        """
        ...

    def staged_caption_track(self, video: Video) -> CaptionTrack | None:
        """The track of the staged version as it was cut last, or None."""
        ...

    def put_caption_track(
        self, video: Video, transcript_id: UUID, track: CaptionTrack
    ) -> None:
        """Make `track` the staged one of a version.

        What readers see stays until it is published.
        """
        ...


class LessonWithCaptions(TranscriptStore, CaptionStore, Protocol):
    """What reviewing captions reads."""


@dataclass(frozen=True, slots=True)
class CaptionFigures:
    """What one run of `caption_lesson` made, and what a reviewer finds in it."""

    track: CaptionTrack
    review: CaptionReview
    written: bool


def caption_lesson(
    transcript: Transcript, video: Video, *, storage: ObjectStorage, store: CaptionStore
) -> CaptionFigures:
    """Cut cues and store them as a WebVTT file; writes only what differs."""
    words = [word for segment in transcript.segments for word in segment.words]
    cues = cut_cues(words, transcript.language)
    content = render_captions(cues, CaptionFormat.VTT)
    key = f"{CAPTIONS_PREFIX}{content_hash(content)}.{transcript.language}.vtt"
    track = CaptionTrack(transcript.language, key, cues)
    review = review_captions(cues, words, transcript.language)
    if store.staged_caption_track(video) == track and storage.stat(key) is not None:
        return CaptionFigures(track, review, written=False)
    # Even when it is there: what no row names yet may be about to be collected.
    storage.put(key, io.BytesIO(content.encode()))
    store.put_caption_track(video, transcript.id, track)
    if storage.stat(key) is None:
        # It was collected in between; what a row names is not.
        storage.put(key, io.BytesIO(content.encode()))
    return CaptionFigures(track, review, written=True)


def review_lesson(video: Video, store: LessonWithCaptions) -> CaptionReview:
    """What a reviewer finds in the staged captions, read back from the store."""
    transcript = staged_transcript(video, store)
    track = store.staged_caption_track(video)
    words = [word for segment in transcript.segments for word in segment.words]
    return review_captions(track.cues if track else (), words, transcript.language)


def render_captions(cues: Sequence[Cue], file_format: CaptionFormat) -> str:
    """The cues as a WebVTT (W3C) or SubRip file, lines ending in a newline."""
    if file_format is CaptionFormat.VTT:
        blocks = [
            f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n"
            f"{html.escape(cue.text, quote=False)}\n"
            for cue in cues
        ]
        return "\n".join(["WEBVTT\n", *blocks])
    return "\n".join(
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n"
        f"{cue.text}\n"
        for number, cue in enumerate(cues, start=1)
    )


def _clock(seconds: float, decimal_mark: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, thousandths = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{decimal_mark}{thousandths:03}"
