"""Caption rules: what a reviewer of captions measures.

Here belong a cue and the limits that it keeps, language by language. Not here: how
cues are cut (`cue_cutting`) or found wanting (`caption_review`).

The figures are those of Netflix's Timed Text Style Guide, the general requirements and
those of each language: the most cited public ones.
"""

from dataclasses import dataclass

from mentora_pipelines.domain.lessons.written_words import needs_blank

MAX_LINES = 2
MAX_CUE_S = 7.0
MIN_CUE_S = 5 / 6

MIN_GAP_S = 0.084
"""Two frames at 24 a second: without a gap nobody sees that the caption changed."""

CHAIN_S = 0.5
"""A gap below about 11 frames flickers: the cue before it stays until the next one."""

PAUSE_S = 0.8
"""A silence that ends a cue, unless a word would then stand alone."""

LONG_PAUSE_S = 2.0
"""A silence that ends every cue, so that no caption gives away what comes."""

SENTENCE_END = ".?!…。？！"
CLOSING = "\"'”’)]»"


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: its lines and when they are shown, in seconds."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Characters of a line, and characters that a viewer reads in a second."""

    line_characters: int
    characters_per_s: float


_ENGLISH = Limits(42, 20)
_OTHERS = Limits(42, 17)
_BY_LANGUAGE = {
    "en": _ENGLISH,
    "ja": Limits(13, 4),
    "ko": Limits(16, 12),
    "yue": Limits(16, 9),
    "zh": Limits(16, 9),
}


def limits_of(language: str) -> Limits:
    """The limits for a language (ISO 639-1, a region behind it does not count)."""
    return _BY_LANGUAGE.get(language.lower().split("-")[0], _OTHERS)


def line_places(texts: list[str]) -> tuple[list[int], list[int]]:
    """Where each word starts and ends, in characters, were all written in one line."""
    starts: list[int] = []
    ends: list[int] = []
    for place, text in enumerate(texts):
        blank = place > 0 and needs_blank(texts[place - 1], text)
        starts.append((ends[-1] if ends else 0) + blank)
        ends.append(starts[-1] + len(text))
    return starts, ends


def ends_sentence(text: str) -> bool:
    """Whether a word ends a sentence, quotation marks aside."""
    return text.rstrip(CLOSING)[-1:] in SENTENCE_END if text.rstrip(CLOSING) else False
