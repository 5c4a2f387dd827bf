"""Edited text: a transcript after a change.

Here belong finding the place that is meant and building the new version's sentences.
Not here: what an edit looks like from outside (`edits`), or where versions lie.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from mentora_pipelines.domain.identity import edited_transcript_id_of
from mentora_pipelines.domain.lessons.caption_rules import ends_sentence
from mentora_pipelines.domain.lessons.edits import (
    Change,
    EditedLine,
    LineChange,
    PhraseChange,
)
from mentora_pipelines.domain.lessons.sentences import split_sentences
from mentora_pipelines.domain.lessons.transcripts import (
    Origin,
    Segment,
    Transcript,
    Word,
)
from mentora_pipelines.domain.lessons.word_alignment import (
    AlignedWord,
    WrittenWord,
    align_words,
)
from mentora_pipelines.domain.lessons.written_words import split_words
from mentora_pipelines.errors import InvalidInput

MIN_SHARE = 0.5
"""A file that keeps fewer of the words is of another lesson, or of a part of one."""

PLACES_TOLD = 8


def edit_transcript(base: Transcript, change: Change) -> Transcript:
    """The version that a change of `base` makes, or `base` if it changes nothing.

    Words that stay keep their times; a sentence in which no word changed stays as it
    is. Raises `InvalidInput` when the place is not found or not the only one, naming
    the places by their times, and when nothing would be left.
    """
    if isinstance(change, LineChange):
        place = _line_at(base.segments, change.at_s)
        segments = tuple(_with_lines(base, {place: change.text}))
    elif isinstance(change, PhraseChange):
        segments = tuple(_with_lines(base, _lines_with_phrase(base.segments, change)))
    else:
        segments = tuple(_rewritten(base, change.lines))
    if not segments:
        raise InvalidInput("the edit leaves no word of the lesson")
    text = "\n".join(segment.text for segment in segments)
    if text == base.text:
        return base
    return replace(
        base,
        id=edited_transcript_id_of(base.video_id, base.source_hash, text),
        origin=Origin.EDITED,
        segments=segments,
    )


def _line_at(segments: Sequence[Segment], at_s: float) -> int:
    """The line that starts within that whole second, or that is spoken then."""
    starting = [
        place
        for place, segment in enumerate(segments)
        if at_s == int(at_s) == int(segment.start_s)
    ]
    spoken = [
        place
        for place, segment in enumerate(segments)
        if segment.start_s <= at_s <= segment.end_s
    ]
    found = starting or spoken[-1:]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(
            f"{len(found)} lines start in the second {at_s:g}: "
            f"at {_places(segments[place].start_s for place in found)} s"
        )
    near = sorted(segments, key=lambda segment: abs(segment.start_s - at_s))[:2]
    raise InvalidInput(
        f"nothing is spoken at {at_s:g} s; the nearest lines start at "
        f"{_places(sorted(segment.start_s for segment in near))} s"
    )


def _lines_with_phrase(
    segments: Sequence[Segment], change: PhraseChange
) -> dict[int, str]:
    """The lines in which the words stand, with the new ones in their place."""
    chosen = (
        range(len(segments))
        if change.at_s is None
        else [_line_at(segments, change.at_s)]
    )
    for flags in (re.NOFLAG, re.IGNORECASE):
        pattern = _phrase(change.old, flags)
        found = {
            place: hits
            for place in chosen
            if (hits := len(pattern.findall(segments[place].text)))
        }
        if found:
            break
    if not found:
        where = "" if change.at_s is None else f" in the line at {change.at_s:g} s"
        raise InvalidInput(f"these words do not stand in one line{where}")
    if sum(found.values()) > 1 and not change.everywhere:
        places = _places(
            segments[p].start_s for p, n in found.items() for _ in range(n)
        )
        raise InvalidInput(
            f"these words stand in {sum(found.values())} places, in the lines at "
            f"{places} s: name one of them, or say everywhere"
        )
    return {
        place: pattern.sub(lambda _: change.new, segments[place].text)
        for place in found
    }


def _phrase(words: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """The words as they stand in a line, not as a part of longer ones."""
    inner = r"\s+".join(map(re.escape, words.split()))
    before = r"(?<!\w)" if words[0].isascii() and words[0].isalnum() else ""
    after = r"(?!\w)" if words[-1].isascii() and words[-1].isalnum() else ""
    return re.compile(f"{before}{inner}{after}", flags)


def _places(seconds: Iterable[float]) -> str:
    told = [f"{second:.1f}" for second in seconds]
    more = f" and {len(told) - PLACES_TOLD} more" if len(told) > PLACES_TOLD else ""
    return ", ".join(told[:PLACES_TOLD]) + more


def _with_lines(base: Transcript, lines: dict[int, str]) -> Iterator[Segment]:
    """The sentences, some of them with another text."""
    for place, segment in enumerate(base.segments):
        if place not in lines:
            yield segment
            continue
        before = base.segments[place - 1].end_s if place else 0.0
        following = (
            base.segments[place + 1].start_s
            if place + 1 < len(base.segments)
            else max(base.duration_s, segment.end_s)
        )
        aligned = align_words(
            segment.words,
            [WrittenWord(text) for text in split_words(lines[place])],
            earliest_s=min(before, segment.start_s),
            latest_s=following,
        )
        yield from _sentences(segment, [one.word for one in aligned])


def _rewritten(base: Transcript, lines: Sequence[EditedLine]) -> Iterator[Segment]:
    """The sentences of a corrected file."""
    heard = [word for segment in base.segments for word in segment.words]
    written = [
        WrittenWord(text, line.start_s, line.end_s)
        for line in sorted(lines, key=lambda line: line.start_s)
        for text in split_words(line.text)
    ]
    aligned = align_words(
        heard, written, earliest_s=0.0, latest_s=max(base.duration_s, heard[-1].end_s)
    )
    same = sum(one.is_same for one in aligned)
    if same < MIN_SHARE * len(heard):
        raise InvalidInput(
            f"the file has {same} of the {len(heard)} words of the transcript: "
            "it is of another lesson, or of a part of this one"
        )
    segment_of = [n for n, segment in enumerate(base.segments) for _ in segment.words]
    for number, group in groupby(
        _placed(aligned, segment_of), key=lambda pair: pair[0]
    ):
        words = [word for _, word in group]
        if number == int(number):
            yield from _sentences(base.segments[int(number)], words)
        else:
            yield from split_sentences(words)


def _placed(
    aligned: Sequence[AlignedWord], segment_of: Sequence[int]
) -> Iterator[tuple[float, Word]]:
    """Each word with the number of its sentence; a new sentence lies between two."""
    kept: AlignedWord | None = None
    position = 0
    for is_same, run in groupby(aligned, key=lambda one: one.is_same):
        words = list(run)
        position += len(words)
        following = aligned[position] if position < len(aligned) else None
        for one in words:
            if is_same or one.place > (-1 if kept is None else kept.place):
                yield float(segment_of[one.place]), one.word
            else:
                ends = ends_sentence(words[-1].word.text)
                yield _between(kept, following, segment_of, ends=ends), one.word
        if is_same:
            kept = words[-1]


def _between(
    before: AlignedWord | None,
    after: AlignedWord | None,
    segment_of: Sequence[int],
    *,
    ends: bool,
) -> float:
    """Where words belong that stand in a pause; `ends` when they end a sentence."""
    first = -1 if before is None else segment_of[before.place]
    if before is not None and (
        not ends_sentence(before.word.text)
        or (after is not None and segment_of[after.place] == first)
    ):
        return float(first)
    if after is not None and not ends:
        return float(segment_of[after.place])
    return first + 0.5


def _sentences(segment: Segment, words: Sequence[Word]) -> Iterator[Segment]:
    """The sentence as it was if no word of it changed, else anew from the words."""
    if tuple(words) == segment.words:
        yield segment
    else:
        yield from split_sentences(words)
