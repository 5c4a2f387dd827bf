"""Sentences: timed words joined into the segments of a transcript.

Here belongs the rule where one sentence ends. Not here: what is done with them.
"""

from collections.abc import Iterable, Iterator, Sequence

from mentora_pipelines.domain.lessons.transcripts import Segment, Word
from mentora_pipelines.domain.lessons.written_words import join_words

MAX_SENTENCE_WORDS = 40
"""A sentence that never ends is cut here: longer ones read badly as a quotation and
fill more than a caption cue can show."""

PAUSE_S = 1.5
"""A silence this long ends a sentence even where the recogniser heard no full stop."""

_SENTENCE_END = ".?!…。？！"
_CLOSING = "\"'”’)]"


def split_sentences(words: Iterable[Word]) -> tuple[Segment, ...]:
    """The words as segments, each a sentence, in order; no word is lost."""
    return tuple(_segment(group) for group in _groups(words))


def _groups(words: Iterable[Word]) -> Iterator[Sequence[Word]]:
    group: list[Word] = []
    for word in words:
        if group and (
            _ends_sentence(group[-1], word)
            or word.start_s - group[-1].end_s >= PAUSE_S
            or len(group) >= MAX_SENTENCE_WORDS
        ):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _ends_sentence(word: Word, following: Word) -> bool:
    bare = word.text.strip().rstrip(_CLOSING)
    if not bare or bare[-1] not in _SENTENCE_END:
        return False
    if bare[-1] != ".":
        return True
    return not is_abbreviation(bare) and not following.text.strip()[:1].islower()


def is_abbreviation(bare: str) -> bool:
    """Whether the full stop belongs to the word: `Dr.`, `U.S.`, `J.`."""
    stem = bare[:-1].lower()
    initial = len(stem) == 1 and stem.isalpha() and stem not in "ai"
    return stem in _TITLES or "." in stem or initial


_TITLES = frozenset(
    (
        *("dr", "mr", "mrs", "ms", "prof", "st", "jr", "sr"),
        *("vs", "fig", "eq", "vol", "approx", "inc", "ltd", "dept"),
    )
)


def _segment(words: Sequence[Word]) -> Segment:
    return Segment(
        text=join_words([word.text for word in words]),
        start_s=words[0].start_s,
        end_s=words[-1].end_s,
        words=tuple(words),
    )
