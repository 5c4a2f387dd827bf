"""Captions: the transcript as cues that a player shows.

Here belong the cutting of words into cues and the two file formats, WebVTT and SRT.
Not here: the transcript itself, nor where the files lie.
"""

import html
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.transcripts import Transcript, Word
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.videos import Video

MAX_LINE_CHARACTERS = 42
MAX_LINES = 2
MAX_CUE_S = 7.0
MIN_CUE_S = 5 / 6
"""Line length, lines, longest and shortest cue: Netflix's timed text style guide for
English (42 characters, two lines, 7 s, five sixths of a second)."""

PAUSE_S = 0.8
"""A silence this long ends a cue, so that no caption stands over a pause."""

CAPTIONS_PREFIX = "captions/"


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: its lines and when they are shown, in seconds."""

    start_s: float
    end_s: float
    text: str


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


@runtime_checkable
class CaptionStore(Protocol):
    """Keeps the caption track of each transcript version."""

    def caption_track(self, video: Video, transcript_id: UUID) -> CaptionTrack | None:
        """The track of a version, or None."""
        ...

    def put_caption_track(
        self, video: Video, transcript_id: UUID, track: CaptionTrack
    ) -> None:
        """Store or replace the track of a version."""
        ...


@dataclass(frozen=True, slots=True)
class CaptionFigures:
    """What one run of `caption_lesson` made."""

    track: CaptionTrack
    written: bool


def caption_lesson(
    transcript: Transcript, video: Video, *, storage: ObjectStorage, store: CaptionStore
) -> CaptionFigures:
    """Cut cues and store them as a WebVTT file; writes only what differs."""
    cues = cut_cues(word for segment in transcript.segments for word in segment.words)
    content = render_captions(cues, CaptionFormat.VTT)
    key = f"{CAPTIONS_PREFIX}{content_hash(content)}.{transcript.language}.vtt"
    track = CaptionTrack(transcript.language, key, cues)
    stored = storage.stat(key) is not None
    if stored and store.caption_track(video, transcript.id) == track:
        return CaptionFigures(track, written=False)
    if not stored:
        storage.put(key, io.BytesIO(content.encode()))
    store.put_caption_track(video, transcript.id, track)
    return CaptionFigures(track, written=True)


def cut_cues(words: Iterable[Word]) -> tuple[Cue, ...]:
    """Cues of at most two lines that follow each other without overlap.

    A cue ends at the end of a sentence, at a pause, or where the next word would no
    longer fit; a word is never divided. Times are whole milliseconds, as both file
    formats store them.
    """
    groups = list(_groups(words))
    cues: list[Cue] = []
    for position, group in enumerate(groups):
        start = round(group[0].start_s, 3)
        end = round(max(group[-1].end_s, group[0].start_s + MIN_CUE_S), 3)
        if position + 1 < len(groups):
            end = min(end, round(groups[position + 1][0].start_s, 3))
        if cues and start < cues[-1].end_s:
            start = cues[-1].end_s
        lines = _lines([word.text.strip() for word in group])
        cues.append(Cue(start, max(end, round(start + 0.001, 3)), "\n".join(lines)))
    return tuple(cues)


def _groups(words: Iterable[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and (
            word.start_s - group[-1].end_s >= PAUSE_S
            or word.end_s - group[0].start_s > MAX_CUE_S
            or len(_lines([w.text.strip() for w in (*group, word)])) > MAX_LINES
            or (group[-1].text.strip()[-1:] in ".?!" and _is_worth_a_cue(group))
        ):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_worth_a_cue(group: Sequence[Word]) -> bool:
    return group[-1].end_s - group[0].start_s >= MIN_CUE_S


def _lines(words: Sequence[str]) -> list[str]:
    """Greedy lines; a single word longer than a line has a line of its own."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= MAX_LINE_CHARACTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


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
