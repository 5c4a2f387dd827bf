"""Grounding: where in a lesson a quote stands, and how it reads there.

Here belongs the look-up. Not here: whether the quote proves anything.
"""

from collections.abc import Sequence

from mentora_pipelines.domain.lessons.doubts import bare
from mentora_pipelines.domain.lessons.transcripts import Segment


class Passage:
    """Sentences in which quotes are looked up by their words, whatever their signs."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._pieces: list[tuple[str, int]] = []
        self._words: list[tuple[str, int]] = []
        for number, segment in enumerate(segments):
            for piece in segment.text.split():
                place = len(self._pieces)
                self._pieces.append((piece, number))
                self._words += [(word, place) for word in bare(piece).split()]

    def find(self, quote: str) -> tuple[str, Segment, Segment] | None:
        """The quote as it stands there, and the sentences it begins and ends in.

        Models mend commas and apostrophes while they copy. None when its words do not
        stand there in a row.
        """
        wanted = [word for piece in quote.split() for word in bare(piece).split()]
        if not wanted:
            return None
        said = [word for word, _ in self._words]
        for start in range(len(said) - len(wanted) + 1):
            if said[start : start + len(wanted)] == wanted:
                first = self._words[start][1]
                last = self._words[start + len(wanted) - 1][1]
                text = " ".join(piece for piece, _ in self._pieces[first : last + 1])
                return (
                    text,
                    self._segments[self._pieces[first][1]],
                    self._segments[self._pieces[last][1]],
                )
        return None
