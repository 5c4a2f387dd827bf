"""Whole words out of the pieces that Whisper gives.

Here belongs the joining of pieces. Not here: when they were said.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mentora_pipelines.domain.lessons.transcripts import Word


class Piece(NamedTuple):
    """What Whisper calls a word: a leading blank says that it begins one."""

    text: str
    start_s: float
    end_s: float
    probability: float


def join_pieces(pieces: Iterable[Piece]) -> Iterator[Word]:
    """Whole words: `self` and `-driving` are one, as are `3` and `.5`.

    A piece without a leading blank that begins with a sign continues the word before
    it; one that begins with a letter does not, since some languages write no blanks.
    """
    word: Word | None = None
    for piece in pieces:
        text = piece.text.strip()
        if not text:
            continue
        if word is not None and piece.text[0] != " " and not text[0].isalnum():
            word = Word(
                text=word.text + text,
                start_s=word.start_s,
                end_s=round(piece.end_s, 3),
                probability=round(min(word.probability, piece.probability), 3),
            )
            continue
        if word is not None:
            yield word
        word = Word(
            text=text,
            start_s=round(piece.start_s, 3),
            end_s=round(piece.end_s, 3),
            probability=round(piece.probability, 3),
        )
    if word is not None:
        yield word
