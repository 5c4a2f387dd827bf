"""Standing: where the words that readers see say what a question quotes.

Here belongs finding a quotation again in a newer version. Not here: what becomes of a
quiz whose quotation is gone, which is a row's affair.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from mentora_pipelines.domain.quizzes.wording import normal, whole_words


@dataclass(frozen=True, slots=True)
class Line:
    """A segment as it was said; times in seconds."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """When something is said, in seconds."""

    start_s: float
    end_s: float


class SpokenWords:
    """The words of one version, with their times."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = [line for line in lines if normal(line.text)]
        texts = [normal(line.text) for line in self._lines]
        self._text = " ".join(texts)
        self._begins = list(accumulate((len(text) + 1 for text in texts), initial=0))

    def find(self, quote: str, near_s: float) -> Said | None:
        """When the segments are said that hold a quotation, or None.

        Case and white space do not count, as when the question was accepted. Of
        several places the one whose start is nearest to `near_s` seconds: each says
        what the question rests on.
        """
        places = [
            Said(
                self._line_at(found.start()).start_s,
                self._line_at(found.end() - 1).end_s,
            )
            for found in whole_words(quote).finditer(self._text)
        ]
        return min(places, key=lambda said: abs(said.start_s - near_s), default=None)

    def between(self, start_s: float, end_s: float) -> str:
        """What is said while these seconds run; empty when nothing."""
        return " ".join(
            line.text
            for line in self._lines
            if line.start_s < end_s and line.end_s > start_s
        )

    def _line_at(self, place: int) -> Line:
        return self._lines[bisect_right(self._begins, place) - 1]
