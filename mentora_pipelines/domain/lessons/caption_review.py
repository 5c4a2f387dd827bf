"""Caption review: what a reviewer would send back, and what no caption could mend.

Here belongs the validator. It measures the cues that stand in the store and asks of
each breach whether other cues could have kept the rule: if so it is a fault, else the
speech is to blame, and the breach is only counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from mentora_pipelines.domain.lessons.caption_rules import (
    MAX_CUE_S,
    MAX_LINES,
    MIN_CUE_S,
    MIN_GAP_S,
    Cue,
    limits_of,
)
from mentora_pipelines.domain.lessons.cue_cutting import SpokenLine
from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.lessons.written_words import join_words

FRAME_S = 0.042
"""One frame at 24 a second: a breach below it cannot be seen."""

TOLD = 20

ROUNDING_S = 0.0015
"""Times are whole milliseconds in both files."""


class Breach(StrEnum):
    """A rule that a cue does not keep."""

    OTHER_WORDS = "other_words"
    LONG_LINE = "long_line"
    MANY_LINES = "many_lines"
    OVERLAP = "overlap"
    SHORT_GAP = "short_gap"
    SHORT_CUE = "short_cue"
    LONG_CUE = "long_cue"
    FAST_CUE = "fast_cue"
    ONE_WORD = "one_word"


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach and the second at which its cue starts."""

    breach: Breach
    at_s: float


@dataclass(frozen=True, slots=True)
class CaptionReview:
    """What was measured on the cues of one track.

    `faults` must not be; `unavoidable` follows from how fast, how slowly or with what
    words is spoken. `fastest` is in characters per second.
    """

    cues: int
    fastest: float
    faults: tuple[Finding, ...]
    unavoidable: tuple[Finding, ...]

    def count(self, breach: Breach) -> int:
        """How often a rule is broken for which the speech is to blame."""
        return sum(finding.breach is breach for finding in self.unavoidable)

    def as_plain(self) -> dict[str, int | float | str]:
        """Figures for an engineer, and where each fault stands."""
        told = [f"{found.breach} at {found.at_s:.2f} s" for found in self.faults]
        more = f" and {len(told) - TOLD} more" if len(told) > TOLD else ""
        unavoidable = {f"unavoidable_{b}": self.count(b) for b in Breach}
        return {
            "cues": self.cues,
            "fastest_characters_per_s": round(self.fastest, 1),
            "faults": len(self.faults),
            "where": ", ".join(told[:TOLD]) + more,
            **{name: count for name, count in unavoidable.items() if count},
        }


def review_captions(
    cues: Sequence[Cue], words: Sequence[Word], language: str
) -> CaptionReview:
    """Measure the captions of the words that are spoken."""
    spoken = SpokenLine.of(words, limits_of(language))
    faults: list[Finding] = []
    unavoidable: list[Finding] = []
    ranges = _ranges(cues, spoken)
    said = ranges[-1][1] + 1 if ranges else 0
    if len(ranges) < len(cues) or said < len(spoken.texts):
        place = min(len(ranges), len(cues) - 1)
        faults.append(Finding(Breach.OTHER_WORDS, cues[place].start_s if cues else 0.0))
    for place, cue in enumerate(cues):
        following = cues[place + 1].start_s if place + 1 < len(cues) else None
        # A word that is longer than a line can only stand alone.
        alone = place < len(ranges) and ranges[place][0] == ranges[place][1]
        for breach, avoidable in (
            *_on_screen(cue, spoken.limits.line_characters, avoidable=not alone),
            *_in_time(cue, following, spoken.limits.characters_per_s),
        ):
            found = Finding(breach, cue.start_s)
            (faults if avoidable else unavoidable).append(found)
    for position, (first, last) in enumerate(ranges):
        alone = first == last
        brief = _length(cues[position]) < MIN_CUE_S - FRAME_S
        if (alone or brief) and _could_be_joined(spoken, ranges, position):
            breach = Breach.ONE_WORD if alone else Breach.SHORT_CUE
            faults.append(Finding(breach, cues[position].start_s))
        elif alone:
            unavoidable.append(Finding(Breach.ONE_WORD, cues[position].start_s))
    return CaptionReview(
        cues=len(cues),
        fastest=max((_speed(cue) for cue in cues), default=0.0),
        faults=tuple(sorted(faults, key=lambda finding: finding.at_s)),
        unavoidable=tuple(sorted(unavoidable, key=lambda finding: finding.at_s)),
    )


def _on_screen(
    cue: Cue, line_characters: int, *, avoidable: bool
) -> list[tuple[Breach, bool]]:
    lines = cue.text.split("\n")
    found = [(Breach.MANY_LINES, True)] * (len(lines) > MAX_LINES)
    if max(map(len, lines)) > line_characters:
        found.append((Breach.LONG_LINE, avoidable))
    return found


def _in_time(
    cue: Cue, following_s: float | None, characters_per_s: float
) -> list[tuple[Breach, bool]]:
    """Each breach, and whether the cue could have been given the time it lacks."""
    latest_s = cue.start_s + MAX_CUE_S
    found: list[tuple[Breach, bool]] = []
    if cue.end_s <= cue.start_s:
        found.append((Breach.OVERLAP, True))
    if following_s is not None:
        gap_s = following_s - cue.end_s
        if gap_s < -ROUNDING_S or following_s <= cue.start_s:
            found.append((Breach.OVERLAP, True))
        elif gap_s < MIN_GAP_S - ROUNDING_S:
            room = following_s - cue.start_s >= 2 * MIN_GAP_S + ROUNDING_S
            found.append((Breach.SHORT_GAP, room))
        latest_s = min(latest_s, following_s - MIN_GAP_S)
    room = cue.end_s < latest_s - ROUNDING_S
    if _length(cue) < MIN_CUE_S - ROUNDING_S:
        found.append((Breach.SHORT_CUE, room))
    if _length(cue) > MAX_CUE_S + ROUNDING_S:
        found.append((Breach.LONG_CUE, True))
    needed_s = _characters(cue) / characters_per_s
    if _length(cue) < needed_s - ROUNDING_S:
        found.append((Breach.FAST_CUE, room))
    return found


def _ranges(cues: Sequence[Cue], spoken: SpokenLine) -> list[tuple[int, int]]:
    """First and last word of each cue, up to the first that says something else."""
    ranges: list[tuple[int, int]] = []
    first = 0
    for cue in cues:
        said = "".join(cue.text.split())
        last = first
        while last < len(spoken.texts) and said:
            word = "".join(spoken.texts[last].split())
            if not said.startswith(word):
                return ranges
            said = said.removeprefix(word)
            last += 1
        if said or last == first:
            return ranges
        ranges.append((first, last - 1))
        first = last
    return ranges


def _could_be_joined(
    spoken: SpokenLine, ranges: Sequence[tuple[int, int]], position: int
) -> bool:
    """Whether a cue and its neighbour would be a good one together."""
    near = ranges[max(0, position - 1) : position + 2]
    return any(spoken.fits(one[0], two[1]) for one, two in pairwise(near))


def _length(cue: Cue) -> float:
    return cue.end_s - cue.start_s


def _characters(cue: Cue) -> int:
    return len(join_words(cue.text.split("\n")))


def _speed(cue: Cue) -> float:
    return _characters(cue) / max(_length(cue), 0.001)
