"""Written words: how spoken words become a line of text, and a line words again.

Here belongs the blank between words, which some scripts do not write. Not here: where
a sentence ends (`sentences`) or a line is full (`cue_cutting`).
"""

import re
import unicodedata
from collections.abc import Sequence

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3000-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese syllables, their punctuation
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uff00-\uff20\uff5b-\uff65"  # full-width signs
)
"""Scripts that write no blank between words (Korean does)."""

_ENDS_UNSPACED = re.compile(rf"[{_UNSPACED}…—“”]\Z")
_STARTS_UNSPACED = re.compile(rf"[{_UNSPACED}…—“”]")
_PIECES = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


def needs_blank(before: str, after: str) -> bool:
    """Whether a blank stands between two words: not between two of such a script."""
    return not (_ENDS_UNSPACED.search(before) and _STARTS_UNSPACED.match(after))


def join_words(words: Sequence[str]) -> str:
    """The words as one line of text; blank ones are left out."""
    line = ""
    for text in words:
        word = " ".join(text.split())
        if line and word and needs_blank(line, word):
            line += " "
        line += word
    return line


def split_words(text: str) -> list[str]:
    """The words of a text: what stands between blanks, or a single character.

    A script without blanks does not show its words, so each of its characters, with
    the marks above and the signs behind it, is taken for one.
    """
    words: list[str] = []
    for piece in _PIECES.finditer(text):
        found = piece.group()
        follows = bool(words) and not text[piece.start() - 1].isspace()
        if follows and (
            unicodedata.category(found[0]).startswith("M")
            or (
                _ENDS_UNSPACED.search(words[-1])
                and all(unicodedata.category(sign)[0] in "PM" for sign in found)
            )
        ):
            words[-1] += found
        else:
            words.append(found)
    return words
