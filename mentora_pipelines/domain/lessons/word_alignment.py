"""Word alignment: a corrected text laid over the words that were heard.

Here belongs which words are the same and when the others were spoken. Not here: what a
correction is (`edits`), or where sentences end.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.lessons.written_words import split_words

SPOKEN_WORD_S = 0.4
"""Length of a word that was not heard: 150 words a minute."""

WRITTEN = 1.0
"""The probability of a word that a person wrote."""

ANCHOR_WORDS = 3
"""Three words in a row that occur once in both texts are surely the same."""

MAX_COMPARISONS = 4_000_000
"""Stretches whose lengths multiply to more share too little to be compared."""


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word of the corrected text, and when its line is shown, if it tells."""

    text: str
    line_start_s: float | None = None
    line_end_s: float | None = None


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """A word of the corrected text with its time.

    `place` is that of the heard word it stands for: the same one when `is_same`, else
    the one that it replaces or follows (-1 before the first).
    """

    word: Word
    place: int
    is_same: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """A heard word, or one character of it in a script that writes no blanks."""

    word: Word
    place: int
    number: int
    count: int


def align_words(
    heard: Sequence[Word],
    written: Sequence[WrittenWord],
    *,
    earliest_s: float,
    latest_s: float,
) -> list[AlignedWord]:
    """The written words, in order; those that were heard keep their times.

    The others share the time of the words they replace, by their lengths, or the pause
    in which they stand; as many words as were heard there take their times one by one.
    No word starts before the one in front of it, nor outside the two limits.
    """
    parts = list(_parts(heard))
    aligned: list[AlignedWord] = []
    part = new = 0
    for block_part, block_new, size in _same(
        [one.word.text for one in parts], [word.text for word in written]
    ):
        aligned += _changed(
            parts, part, block_part, written[new:block_new], (earliest_s, latest_s)
        )
        aligned += _unchanged(heard, parts[block_part : block_part + size])
        part, new = block_part + size, block_new + size
    return aligned


def _parts(words: Sequence[Word]) -> Iterator[_Part]:
    for place, word in enumerate(words):
        texts = split_words(word.text)
        for number, text in enumerate(texts):
            step_s = (word.end_s - word.start_s) / len(texts)
            start_s = round(word.start_s + number * step_s, 3)
            end_s = round(word.start_s + (number + 1) * step_s, 3)
            part = Word(text, start_s, end_s, word.probability)
            yield _Part(part, place, number, len(texts))


def _unchanged(heard: Sequence[Word], parts: Sequence[_Part]) -> Iterator[AlignedWord]:
    """The parts as they are; whole words again where all of their parts are there."""
    position = 0
    while position < len(parts):
        one = parts[position]
        if one.number == 0 and len(parts) - position >= one.count:
            yield AlignedWord(heard[one.place], one.place, True)
            position += one.count
        else:
            yield AlignedWord(one.word, one.place, False)
            position += 1


def _changed(
    parts: Sequence[_Part],
    first: int,
    end: int,
    written: Sequence[WrittenWord],
    limits: tuple[float, float],
) -> Iterator[AlignedWord]:
    """Times for the words written in place of `parts[first:end]`, perhaps of none."""
    if not written:
        return
    replaced = [one.word for one in parts[first:end]]
    following_s = parts[end].word.start_s if end < len(parts) else limits[1]
    if len(replaced) == len(written):
        spans = [(word.start_s, word.end_s) for word in replaced]
    elif replaced:
        start_s = replaced[0].start_s
        spoken_until = max(word.end_s for word in replaced)
        spans = _shared(written, start_s, max(start_s, min(spoken_until, following_s)))
    else:
        before = parts[first - 1].word if first else None
        spans = _shared(written, *_pause(written, before, following_s, limits[0]))
    for position, (word, (start_s, end_s)) in enumerate(
        zip(written, spans, strict=True)
    ):
        place = (
            parts[min(first + position, end - 1)].place
            if replaced
            else (parts[first - 1].place if first else -1)
        )
        yield AlignedWord(Word(word.text, start_s, end_s, WRITTEN), place, False)


def _pause(
    written: Sequence[WrittenWord],
    before: Word | None,
    following_s: float,
    earliest_s: float,
) -> tuple[float, float]:
    """When words were spoken that nobody heard: in the pause where they stand."""
    length_s = SPOKEN_WORD_S * len(written)
    if before is None:
        start_s = max(min(earliest_s, following_s), following_s - length_s)
        end_s = following_s
    else:
        start_s = max(before.start_s, min(before.end_s, following_s))
        end_s = max(start_s, min(following_s, start_s + length_s))
    line_start_s, line_end_s = written[0].line_start_s, written[-1].line_end_s
    if line_start_s is None or line_end_s is None:
        return start_s, end_s
    # The line that they were written in tells more.
    pause_starts_s = start_s if before is not None else min(earliest_s, following_s)
    line_start_s = max(line_start_s, pause_starts_s)
    line_end_s = min(line_end_s, following_s)
    return (line_start_s, line_end_s) if line_start_s < line_end_s else (start_s, end_s)


def _shared(
    written: Sequence[WrittenWord], start_s: float, end_s: float
) -> list[tuple[float, float]]:
    """The time from `start_s` to `end_s`, shared out by the lengths of the words."""
    characters = sum(len(word.text) for word in written)
    borders = [start_s]
    spoken = 0
    for word in written:
        spoken += len(word.text)
        borders.append(round(start_s + (end_s - start_s) * spoken / characters, 3))
    borders[-1] = end_s
    return list(pairwise(borders))


def _same(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Stretches that both texts share, in order, and an empty one at the end."""
    blocks: list[tuple[int, int, int]] = []
    starts = (0, 0)
    for ours, theirs in _anchors(old, new):
        if ours >= starts[0] and theirs >= starts[1]:
            blocks += _same_between(old, new, starts, (ours, theirs))
            blocks.append((ours, theirs, ANCHOR_WORDS))
            starts = (ours + ANCHOR_WORDS, theirs + ANCHOR_WORDS)
    ends = (len(old), len(new))
    blocks += _same_between(old, new, starts, ends)
    joined: list[tuple[int, int, int]] = []
    for ours, theirs, size in (*blocks, (*ends, 0)):
        if (
            joined
            and size
            and (ours, theirs)
            == (
                joined[-1][0] + joined[-1][2],
                joined[-1][1] + joined[-1][2],
            )
        ):
            joined[-1] = (*joined[-1][:2], joined[-1][2] + size)
        else:
            joined.append((ours, theirs, size))
    return joined


def _same_between(
    old: Sequence[str],
    new: Sequence[str],
    starts: tuple[int, int],
    ends: tuple[int, int],
) -> Iterator[tuple[int, int, int]]:
    ours, theirs = old[starts[0] : ends[0]], new[starts[1] : ends[1]]
    if not ours or not theirs or len(ours) * len(theirs) > MAX_COMPARISONS:
        return
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    for one, two, size in matcher.get_matching_blocks():
        if size:
            yield starts[0] + one, starts[1] + two, size


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Where the same three words stand once in both texts, in the order of both."""
    ours, theirs = _once(old), _once(new)
    pairs = sorted(
        (ours[words], theirs[words]) for words in ours.keys() & theirs.keys()
    )
    # The longest part that rises in both: patience sorting.
    tops: list[int] = []
    piles: list[int] = []
    before: list[int | None] = []
    for position, (_, place) in enumerate(pairs):
        pile = bisect_left(tops, place)
        if pile == len(tops):
            tops.append(place)
            piles.append(position)
        else:
            tops[pile] = place
            piles[pile] = position
        before.append(piles[pile - 1] if pile else None)
    rising: list[tuple[int, int]] = []
    last = piles[-1] if piles else None
    while last is not None:
        rising.append(pairs[last])
        last = before[last]
    return rising[::-1]


def _once(texts: Sequence[str]) -> dict[tuple[str, ...], int]:
    runs = [tuple(texts[p : p + ANCHOR_WORDS]) for p in range(len(texts) - 2)]
    counts = Counter(runs)
    return {run: place for place, run in enumerate(runs) if counts[run] == 1}
