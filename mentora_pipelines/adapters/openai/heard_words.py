"""Words with their times and their signs, out of what a transcription server says.

Servers tell when each word was said, but without signs (`hello`), and write sentences
with signs (`Hello,`), but tell only when those were said. Here belongs the joining of
the two. Not here: asking, or where in a lesson a window lies.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from pydantic import BaseModel, Field

from mentora_pipelines.domain.lessons.doubts import bare
from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.lessons.written_words import split_words

UNKNOWN_PROBABILITY = 1.0
"""Of a word whose server does not say how sure it is: it raises no doubt."""

_Seconds = Field(ge=0, allow_inf_nan=False)


class HeardWord(BaseModel):
    """A word and when it was said, in seconds of the sound that was sent."""

    word: str
    start: float = _Seconds
    end: float = _Seconds
    probability: float | None = None


class HeardSegment(BaseModel):
    """A sentence or so; the measures are Whisper's own, where the server has them."""

    text: str
    start: float = _Seconds
    end: float = _Seconds
    avg_logprob: float | None = None
    no_speech_prob: float | None = None


def timed_words(
    words: Sequence[HeardWord], segments: Sequence[HeardSegment], text: str
) -> list[Word]:
    """The words as they are written, in order, none before the one in front of it.

    Without times of words, those of a segment share its time by their lengths.
    """
    if words:
        written = split_words(" ".join(one.text for one in segments) or text)
        timed = list(_laid_over(written, words))
    else:
        timed = [
            (token, *span)
            for one in segments
            for token, span in _shared(split_words(one.text), one.start, one.end)
        ]
    sure = _Sureness(words, segments)
    found: list[Word] = []
    earliest_s = 0.0
    for token, told_s, until_s in timed:
        start_s = max(told_s, earliest_s)
        earliest_s = start_s
        end_s = max(start_s, until_s)
        found.append(
            Word(token, round(start_s, 3), round(end_s, 3), sure((start_s + end_s) / 2))
        )
    return found


def _laid_over(
    written: Sequence[str], heard: Sequence[HeardWord]
) -> Iterator[tuple[str, float, float]]:
    """Each written word with the time of the heard one it stands for."""
    ours = [_plain(token) for token in written]
    theirs = [_plain(one.word) for one in heard]
    new = old = 0
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    for new_start, old_start, size in blocks:
        # What differs takes the time of what was heard there, or that between.
        start_s = heard[old].start if old < old_start else _end_before(heard, old)
        end_s = (
            heard[old_start - 1].end
            if old < old_start
            else (heard[old_start].start if old_start < len(heard) else start_s)
        )
        yield from (
            (token, *span)
            for token, span in _shared(written[new:new_start], start_s, end_s)
        )
        for place in range(size):
            same = heard[old_start + place]
            yield written[new_start + place], same.start, same.end
        new, old = new_start + size, old_start + size


def _end_before(heard: Sequence[HeardWord], place: int) -> float:
    return heard[place - 1].end if place else 0.0


def _shared(
    tokens: Sequence[str], start_s: float, end_s: float
) -> Iterator[tuple[str, tuple[float, float]]]:
    """The time from `start_s` to `end_s`, shared out by the lengths of the words."""
    signs = sum(map(len, tokens))
    length_s = max(0.0, end_s - start_s)
    said = 0
    for token in tokens:
        from_s = start_s + length_s * said / signs
        said += len(token)
        yield token, (from_s, start_s + length_s * said / signs)


def _plain(text: str) -> str:
    """The letters and digits alone; a word that has none stays what it is."""
    return bare(text).replace(" ", "") or text.strip()


class _Sureness:
    """How likely it is what was said at a moment, by the word or the segment there."""

    def __init__(
        self, words: Sequence[HeardWord], segments: Sequence[HeardSegment]
    ) -> None:
        told = [(w.start, w.probability) for w in words if w.probability is not None]
        if not told:
            told = [
                (s.start, math.exp(min(0.0, s.avg_logprob)))
                for s in segments
                if s.avg_logprob is not None
            ]
        self._told = sorted(told)
        self._starts = [start for start, _ in self._told]

    def __call__(self, second: float) -> float:
        if not self._told:
            return UNKNOWN_PROBABILITY
        place = max(0, bisect_right(self._starts, second) - 1)
        return round(min(1.0, max(0.0, self._told[place][1])), 3)
