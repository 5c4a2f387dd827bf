"""Cue cutting: the words of a lesson as cues that a viewer can read.

Here belong where a cue ends, how its lines are balanced and how long it stands. Not
here: the limits (`caption_rules`), or the files (`captions`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from mentora_pipelines.domain.lessons.caption_rules import (
    CHAIN_S,
    LONG_PAUSE_S,
    MAX_CUE_S,
    MAX_LINES,
    MIN_CUE_S,
    MIN_GAP_S,
    PAUSE_S,
    Cue,
    Limits,
    ends_sentence,
    limits_of,
    line_places,
)
from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.lessons.written_words import join_words

# What a reviewer sends back costs more than all that is merely ugly together (at most
# 740), so that two cues are joined wherever that mends one of them.
ONE_WORD = 1000
TOO_SHORT = 1000

OVER_PAUSE = 300
TOO_FAST = 200
FEW_WORDS = {2: 60, 3: 20}
INNER_SENTENCE = 25
INNER_SENTENCES = 100
CUT_IN_CLAUSE = 40
CUT_AT_BREATH = 15
CUT_AT_CLAUSE = 12
CUT_AFTER_SHORT_WORD = 15
EACH_CUE = 5

BREATH_MS = 300
SHORT_WORD = 3
"""Letters of most articles and prepositions: a cue or a line should not end there."""

_CLAUSE_END = ",;:–—、\uff0c\uff1b\uff1a"
"""The last three are the full-width comma, semicolon and colon."""

_CHAIN_MS = round(CHAIN_S * 1000)
_GAP_MS = round(MIN_GAP_S * 1000)
_LONG_PAUSE_MS = round(LONG_PAUSE_S * 1000)
_MAX_MS = round(MAX_CUE_S * 1000)
_MIN_MS = round(MIN_CUE_S * 1000 + 0.5)
_PAUSE_MS = round(PAUSE_S * 1000)


def cut_cues(words: Iterable[Word], language: str = "en") -> tuple[Cue, ...]:
    """Cues that follow each other without overlap and say every word once.

    Of all the ways to cut the words into cues that fit the screen (`fits`) the one
    with the least to object to. A cue stands until it can be read, where the next one
    leaves it the time. Times are whole milliseconds, as both file formats store them.
    """
    spoken = SpokenLine.of(words, limits_of(language))
    starts = _shown_from(spoken, groups := _groups(spoken))
    cues = []
    for place, (first, last) in enumerate(groups):
        following = starts[place + 1] if place + 1 < len(groups) else None
        end = _shown_until(spoken, first, last, starts[place], following)
        text = _lines(spoken, first, last)
        cues.append(Cue(starts[place] / 1000, end / 1000, text))
    return tuple(cues)


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """Words as if written in one line, with times in milliseconds, in order."""

    limits: Limits
    texts: list[str]
    starts: list[int]
    ends: list[int]
    line_starts: list[int]
    line_ends: list[int]
    reach: list[int]
    """The last word that a cue can hold which starts with this one."""

    @classmethod
    def of(cls, words: Iterable[Word], limits: Limits) -> "SpokenLine":
        """The words that hold a character."""
        kept = [(text, w) for w in words if (text := " ".join(w.text.split()))]
        texts = [text for text, _ in kept]
        starts = list(accumulate((round(w.start_s * 1000) for _, w in kept), max))
        # A word is over when the next one begins, whatever the recogniser says.
        ends = [
            max(start, _until(round(w.end_s * 1000), following))
            for start, following, (_, w) in zip(
                starts, [*starts[1:], None][: len(kept)], kept, strict=True
            )
        ]
        places = line_places(texts)
        return cls(limits, texts, starts, ends, *places, _reach(*places, limits))

    def characters(self, first: int, last: int) -> int:
        """Length of the words from `first` to `last`, in one line."""
        return self.line_ends[last] - self.line_starts[first]

    def pause(self, place: int) -> int:
        """Milliseconds of silence in front of a word."""
        return self.starts[place] - self.ends[place - 1] if place else 0

    def fits(self, first: int, last: int) -> bool:
        """Whether one cue may hold these words: its lines, its length, its pauses."""
        return (
            last <= self.reach[first]
            and self.ends[last] - self.starts[first] <= _MAX_MS
            and all(
                self.pause(place) < _LONG_PAUSE_MS
                for place in range(first + 1, last + 1)
            )
        )


def _until(end: int, following: int | None) -> int:
    return end if following is None else min(end, following)


def _reach(line_starts: list[int], line_ends: list[int], limits: Limits) -> list[int]:
    """The last word of the last line, for each word that a cue may start with."""
    count = len(line_starts)
    line: list[int] = []
    last = -1
    for first in range(count):
        last = max(last, first - 1)
        while (
            last + 1 < count
            and line_ends[last + 1] - line_starts[first] <= limits.line_characters
        ):
            last += 1
        line.append(last)
    reach = []
    for first in range(count):
        last = first - 1
        for _ in range(MAX_LINES):
            if last + 1 < count:
                last = line[last + 1]
        # A word that is longer than a line has a cue of its own.
        reach.append(max(first, last))
    return reach


def _groups(spoken: SpokenLine) -> list[tuple[int, int]]:
    """First and last word of each cue, so that the sum of `_cost` is least."""
    count = len(spoken.texts)
    sentence_ends = list(
        accumulate((ends_sentence(text) for text in spoken.texts), initial=0)
    )
    tails = [_cut_cost(spoken, last, sentence_ends) for last in range(count)]
    least = [0.0] + [float("inf")] * count
    begins = [0] * (count + 1)
    for first in range(count):
        over_pause = False
        for last in range(first, spoken.reach[first] + 1):
            if last > first:
                pause = spoken.pause(last)
                if (
                    pause >= _LONG_PAUSE_MS
                    or spoken.ends[last] - spoken.starts[first] > _MAX_MS
                ):
                    break
                over_pause = over_pause or pause >= _PAUSE_MS
            inner = sentence_ends[last] - sentence_ends[first]
            cost = least[first] + tails[last] + _cost(spoken, first, last)
            cost += OVER_PAUSE * over_pause + min(
                INNER_SENTENCE * inner, INNER_SENTENCES
            )
            if cost < least[last + 1]:
                least[last + 1] = cost
                begins[last + 1] = first
    groups: list[tuple[int, int]] = []
    end = count
    while end:
        groups.append((begins[end], end - 1))
        end = begins[end]
    return groups[::-1]


def _cost(spoken: SpokenLine, first: int, last: int) -> float:
    """What is to be said against a cue of these words, wherever it is cut."""
    cost = float(EACH_CUE)
    cost += ONE_WORD if first == last else FEW_WORDS.get(last - first + 1, 0)
    if last + 1 < len(spoken.starts):
        time = min(_MAX_MS, spoken.starts[last + 1] - _GAP_MS - spoken.starts[first])
    else:
        time = _MAX_MS
    if time < _MIN_MS:
        cost += TOO_SHORT
    needed = spoken.characters(first, last) / spoken.limits.characters_per_s * 1000
    if needed > time:
        cost += TOO_FAST * min(1.0, (needed - time) / needed)
    return cost


def _cut_cost(spoken: SpokenLine, last: int, sentence_ends: list[int]) -> int:
    """What is to be said against the end of a cue behind this word."""
    text = spoken.texts[last]
    if last + 1 == len(spoken.texts) or sentence_ends[last + 1] > sentence_ends[last]:
        return 0
    if text[-1] in _CLAUSE_END:
        return CUT_AT_CLAUSE
    cost = CUT_AT_BREATH if spoken.pause(last + 1) >= BREATH_MS else CUT_IN_CLAUSE
    return cost + CUT_AFTER_SHORT_WORD * _is_short(text)


def _is_short(text: str) -> bool:
    return len(text) <= SHORT_WORD and text.isascii() and text.isalpha()


def _shown_from(spoken: SpokenLine, groups: list[tuple[int, int]]) -> list[int]:
    """When each cue appears; two milliseconds apart even if nothing else parts them."""
    starts: list[int] = []
    for first, _ in groups:
        starts.append(max(spoken.starts[first], starts[-1] + 2 if starts else 0))
    return starts


def _shown_until(
    spoken: SpokenLine, first: int, last: int, start: int, following: int | None
) -> int:
    """When a cue disappears: it was heard and read, or the next one is due."""
    needed = spoken.characters(first, last) / spoken.limits.characters_per_s * 1000
    end = max(spoken.ends[last], start + _MIN_MS, start + int(needed) + 1)
    end = min(end, start + _MAX_MS)
    if following is None:
        return end
    gap = min(_GAP_MS, (following - start) // 2)
    if following - end < _CHAIN_MS:
        return min(following - gap, start + _MAX_MS)
    return end


def _lines(spoken: SpokenLine, first: int, last: int) -> str:
    """The words in one line if they fit, else in two that are about equally long."""
    if first == last or spoken.characters(first, last) <= spoken.limits.line_characters:
        return join_words(spoken.texts[first : last + 1])
    split = min(
        (
            place
            for place in range(first, last)
            if spoken.characters(first, place) <= spoken.limits.line_characters
            and spoken.characters(place + 1, last) <= spoken.limits.line_characters
        ),
        key=lambda place: _split_cost(spoken, first, place, last),
    )
    return "\n".join(
        (
            join_words(spoken.texts[first : split + 1]),
            join_words(spoken.texts[split + 1 : last + 1]),
        )
    )


def _split_cost(spoken: SpokenLine, first: int, place: int, last: int) -> int:
    """What is to be said against a line break behind the word at `place`."""
    upper, lower = spoken.characters(first, place), spoken.characters(place + 1, last)
    text = spoken.texts[place]
    cost = abs(upper - lower) + 2 * (upper > lower)
    if ends_sentence(text) or text[-1] in _CLAUSE_END:
        cost -= 10
    elif _is_short(text):
        cost += 8
    if (first == place or place + 1 == last) and last - first > 1:
        cost += 25
    return cost
