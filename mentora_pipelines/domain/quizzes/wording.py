"""Wording: what a question's words share with those of its quote.

Here belong roots, numbers, negations and opposites of a text. Not here: what follows
from them for a question (`evidence`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.vocabulary import Token, Vocabulary

_NUMERALS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11",
    "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
    "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60",
    "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100",
    "thousand": "1000", "million": "1000000", "first": "1st", "second": "2nd",
    "third": "3rd", "fourth": "4th", "fifth": "5th", "twice": "2x", "thrice": "3x",
}  # fmt: skip
_NEGATIONS = english.words(
    "not no never none nothing nobody neither nor without cannot except"
)
_ARTICLES = english.words("a an the is are was were be been do does did has have had")
# What a question is made of, whatever it is about.
QUESTION_WORDS = english.words(
    "which what who whom whose when where why how following describe describes "
    "described statement statements true false correct called name named names "
    "known term definition define defined defines mean means meant happen happens "
    "best choose select apply applies complete completes sentence word words kind "
    "type example examples main purpose reason role function result effect according "
    "lesson explain explains refer refers thing things part parts option options "
    "process property feature characteristic advantage difference important "
    "primary primarily does make makes"
)
_OPPOSITES = (
    "fast slow", "faster slower", "quick slow", "quickly slowly", "large small",
    "larger smaller", "largest smallest", "big small", "bigger smaller", "more less",
    "more fewer", "most least", "increase decrease", "increases decreases",
    "grow shrink", "grows shrinks", "rise fall", "rises falls", "high low",
    "higher lower", "highest lowest", "open close", "opens closes", "open closed",
    "first last", "before after", "earlier later", "early late", "gain lose",
    "always never", "absorb release", "absorbs releases", "absorb reflect",
    "absorbs reflects", "enter escape", "enters escapes", "enter leave",
    "enters leaves", "hot cold", "warm cold", "strong weak", "stronger weaker",
    "left right", "top bottom", "light dark", "wet dry", "sorted unsorted",
    "simple complex", "cheap costly", "cheap expensive", "win lose", "add remove",
    "adds removes", "above below", "inside outside", "start end", "begins ends",
    "succeed fail", "succeeds fails", "works fails", "possible impossible",
    "all none", "every no", "push pull", "buy sell", "safe dangerous", "heavy light",
    "thick thin", "old new", "minimum maximum", "ascending descending", "with without",
    "north south", "east west", "positive negative", "internal external",
    "never often", "best worst", "better worse", "hard soft", "harder softer",
    "weakens strengthens", "weaken strengthen", "slows speeds", "delays hastens",
    "low higher", "high lower", "slow faster", "fast slower", "small larger",
    "large smaller", "early later", "late earlier", "reject accept",
    "true false", "adds subtracts", "attack defend", "approve reject", "accept reject",
)  # fmt: skip


def _both_ways() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES:
        one, other = pair.split()
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


_OPPOSITE = _both_ways()
_CLAUSE_BREAK = re.compile(
    r"[,;:.!?]+\s+|\s+(?:and|but|while|whereas|although|though|because|when|where|"
    r"which|so|or|if|than)\s+",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"_{2,}")

SAME_BLANK_SHARE = 0.6
"""Share of the words around a blank that must come from the quote."""


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """The text in small letters, white space as one blank."""
    return " ".join(text.casefold().replace("\u2019", "'").split())


def has_words(text: str, words: str) -> bool:
    """Whether `words` stand in `text` as whole words, in any case."""
    return bool(normal(words)) and whole_words(words).search(normal(text)) is not None


def whole_words(words: str) -> re.Pattern[str]:
    """Finds `words`, which are not empty, as whole words of a text that is `normal`."""
    # "SYN" does not stand in "SYN-ACK".
    return re.compile(rf"(?<![\w-]){re.escape(normal(words))}(?!-?\w)")


def tokens_of(text: str, vocabulary: Vocabulary) -> list[Token]:
    """The words of a text without its blanks."""
    return vocabulary.tokens(_BLANKS.sub(" ", text))


def content_roots(text: str, vocabulary: Vocabulary) -> list[str]:
    """The roots of the words of `text` that carry meaning, in order."""
    return [
        vocabulary.root(token.stem)
        for token in tokens_of(text, vocabulary)
        if not vocabulary.is_stop_word(token.lower)
        and not (vocabulary.is_english and token.lower in QUESTION_WORDS)
    ]


def plain_words(text: str) -> list[str]:
    """The words of a text in small letters, without articles and auxiliaries."""
    return [w for w in re.findall(r"[\w'-]+", normal(text)) if w not in _ARTICLES]


def numbers_in(text: str, vocabulary: Vocabulary) -> set[str]:
    """The numbers of a text, as digits without commas."""
    found = set()
    for token in tokens_of(text, vocabulary):
        if token.is_number:
            found.add(token.text.replace(",", "").rstrip("."))
        elif vocabulary.is_english and token.lower in _NUMERALS:
            found.add(_NUMERALS[token.lower])
    # "one of them" and "no one" count nothing.
    return found - {"1"}


def negations_in(text: str) -> int:
    """How often an English text says no."""
    words = re.findall(r"[\w']+", normal(text))
    return sum(word in _NEGATIONS or word.endswith("n't") for word in words)


def opposite_in(text: str, quote: str) -> str | None:
    """A word of `text` whose opposite, and not itself, stands in `quote`."""
    said = set(re.findall(r"[\w']+", normal(quote)))
    for word in re.findall(r"[\w']+", normal(text)):
        if word not in said and not said.isdisjoint(_OPPOSITE.get(word, ())):
            return str(word)
    return None


def clauses_of(text: str) -> list[str]:
    """The pieces of a sentence between its commas and conjunctions."""
    return [piece for piece in _CLAUSE_BREAK.split(text) if piece.strip()]


def common_in_order(some: Sequence[str], others: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    lengths = [0] * (len(others) + 1)
    for one in some:
        before = 0
        for place, other in enumerate(others, 1):
            above = lengths[place]
            lengths[place] = (
                before + 1 if one == other else max(above, lengths[place - 1])
            )
            before = above
    return lengths[-1]


def opposites_of(word: str) -> list[str]:
    """The known opposites of a word in small letters."""
    return sorted(_OPPOSITE.get(word, ()))


def flips_between(one: str, other: str) -> int:
    """How many words of one text stand in the other as their opposites."""
    some = set(re.findall(r"[\w']+", normal(one)))
    others = set(re.findall(r"[\w']+", normal(other)))
    return sum(
        not (others - some).isdisjoint(_OPPOSITE.get(word, ()))
        for word in some - others
    )
