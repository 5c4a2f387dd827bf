"""Sections: a long lesson in parts, each with its share of the questions.

Here belongs the cutting, so that questions cover the whole lesson and no request is
longer than a model reads with care. Not here: what is asked about a section.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from mentora_pipelines.domain.lessons.transcripts import Segment

SECTION_TOKENS = 6_000
"""About forty minutes of speech. Asked about more at once, models write most questions
about its beginning and end (Liu et al., "Lost in the Middle", 2023)."""


@dataclass(frozen=True, slots=True)
class Section:
    """Sentences that follow each other, and how many questions they get."""

    segments: tuple[Segment, ...]
    question_count: int


def sections_of(
    segments: Sequence[Segment], tokens: Sequence[int], question_count: int
) -> list[Section]:
    """The lesson in as many parts as it needs, of about equal length, by time.

    There are never more parts than questions; every sentence is in exactly one.
    """
    total = sum(tokens)
    if not segments or question_count < 1 or not total:
        return []
    wanted = min(-(-total // SECTION_TOKENS), question_count, len(segments))
    # A sentence belongs to the part that its middle lies in.
    ends = list(accumulate(tokens))
    parts: list[list[Segment]] = [[] for _ in range(wanted)]
    for segment, end, count in zip(segments, ends, tokens, strict=True):
        place = int((end - count / 2) * wanted / total)
        parts[min(place, wanted - 1)].append(segment)
    filled = [tuple(part) for part in parts if part]
    borders = [
        round(question_count * place / len(filled)) for place in range(len(filled) + 1)
    ]
    return [
        Section(part, after - before)
        for part, before, after in zip(filled, borders, borders[1:], strict=False)
        if after > before
    ]
