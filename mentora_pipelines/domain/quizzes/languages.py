"""Languages: whether a question speaks that of its lesson.

Here belongs telling languages apart by how common the words are in each. Not here: what
is known of a single word (`vocabulary`).
"""

import re
from functools import cache

from mentora_pipelines.domain.terms.vocabulary import RAREST_ZIPF, Vocabulary

RIVALS = ("en", "de", "es", "fr", "it", "nl", "pt")
"""Languages that a model falls into; a short word list of each is read once."""

MIN_WORDS = 3
"""Fewer words, or names alone, belong to any language."""

LEAD = 1.0
"""So much commoner (log10) the words must be in another language, on average. Of 35
short sentences in seven languages, each held against the six others, 14 of 210 stay
below; of the 439 sentences of the golden set's lessons none reaches it."""

_LATIN_ENDS = 0x24F
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


@cache
def _vocabulary(language: str) -> Vocabulary:
    return Vocabulary(language)


def other_language(text: str, language: str) -> str | None:
    """Which language `text` is in when it is not `language`; None when it may be.

    Another script is told as `another script`. A language without a word list may be
    anything but that.
    """
    own = _vocabulary(language)
    if own.language in RIVALS and _is_foreign_script(text):
        return "another script"
    if own.language not in RIVALS:
        return None
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < MIN_WORDS:
        return None
    means = {
        rival: sum(_commonness(word, rival) for word in words) / len(words)
        for rival in RIVALS
    }
    best = max(means, key=lambda rival: means[rival])
    return best if means[best] - means[own.language] >= LEAD else None


@cache
def _commonness(word: str, language: str) -> float:
    import wordfreq

    # The short lists tell languages apart as well, and load in a tenth of the time.
    zipf = wordfreq.zipf_frequency(word, language, wordlist="small")
    return max(RAREST_ZIPF, zipf)


def _is_foreign_script(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    # Greek letters stand in formulas of every language.
    foreign = [
        letter
        for letter in letters
        if ord(letter) > _LATIN_ENDS and not "\u0370" <= letter <= "\u03ff"
    ]
    return 2 * len(foreign) > len(letters)
