"""Vocabulary: what one language lets us say about a single word.

Here belong the splitting of a text into words and, per language, stem, rarity and
stop words. Not here: which words of a lesson are its key terms.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mentora_pipelines.domain.terms import english_words as english

_WORD = re.compile(r"[^\W_]+(?:['\u2019.\-\u2010\u2011][^\W_]+)*")
_ELISION = re.compile(r"^[^\W\d_]{1,2}['\u2019](?=.)|^qu['\u2019](?=.)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['\u2019]s?$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?…。\uff01\uff1f])[\"\u201d\u2019)]*\s+|\n+")
# Scripts written without blanks: a run of letters there is a clause, not a word.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")

# zipf frequency (log10 of occurrences per 10^9 words) above which a word tells
# nothing; in every language we looked at, this leaves out the grammar words.
_COMMON_ZIPF = 5.7
# A word no list knows counts as this rare: recognition errors are unknown, too,
# and must not outrank a real term.
RAREST_ZIPF = 2.0
"""The zipf frequency of every word that is as rare as this, or unknown."""

_UNKNOWN_ZIPF = 4.0

_ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "es": "spanish", "et": "estonian",
    "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_FREQUENCY_LISTS = {"no": "nb", "nn": "nb", "hr": "sh", "sr": "sh", "bs": "sh"}
# wordfreq reads these with tokenizers of their own, which are not installed.
_NEEDS_TOKENIZER = frozenset({"ja", "ko", "zh"})
_JOINERS = {
    "ca": "de del d", "en": "of", "es": "de del", "fr": "de du des d",
    "it": "di del della d", "pt": "de do da",
}  # fmt: skip
_ELIDING = frozenset({"fr", "it", "ca"})
_ARTICLES = {
    "ca": "el la els les un una uns unes l", "da": "en et den det de",
    "de": "der die das den dem des ein eine einen einem einer eines",
    "es": "el la los las un una unos unas", "fr": "le la les un une des du au aux l",
    "it": "il lo la i gli le un uno una l", "nb": "en et ei den det de",
    "nl": "de het een", "no": "en et ei den det de", "pt": "o a os as um uma",
    "sv": "en ett den det de",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a sentence; `start` and `end` are offsets into its text."""

    text: str
    start: int
    end: int
    stem: str
    after_break: bool
    """The sentence begins here, or a punctuation mark stands before the word."""

    @property
    def lower(self) -> str:
        """The word in small letters, with a straight apostrophe."""
        return self.text.lower().replace("\u2019", "'")

    @property
    def is_capitalised(self) -> bool:
        """Whether the word begins with a capital letter."""
        return self.text[:1].isupper()

    @property
    def is_number(self) -> bool:
        """Whether the word begins with a digit."""
        return self.text[:1].isdigit()


def sentences_of(text: str) -> list[str]:
    """The sentences of `text`, split at line ends and closing marks."""
    return [part for raw in _SENTENCE_END.split(text) if (part := raw.strip())]


class Vocabulary:
    """What is known about the words of `language` (ISO 639-1).

    An unknown language has no stemmer and no frequencies; then a word is its own
    stem and only length tells a stop word. Not to be shared between threads: the
    stemmer keeps state while it works.
    """

    def __init__(self, language: str) -> None:
        self.language = language.lower().split("-")[0].split("_")[0]
        self._stems: dict[str, str] = {}
        self._roots: dict[str, str] = {}
        self._zipfs: dict[str, float] = {}

    @property
    def is_english(self) -> bool:
        """Whether the English word classes apply."""
        return self.language == "en"

    @cached_property
    def articles(self) -> frozenset[str]:
        """Words after which a noun follows; empty where we know none."""
        if self.is_english:
            return english.DETERMINERS - {"that", "what", "which", "more", "most"}
        return frozenset(_ARTICLES.get(self.language, "").split())

    @property
    def tells_names(self) -> bool:
        """Whether a capital makes a name: not in German, nor where we know no nouns."""
        return self.language != "de" and bool(self.articles)

    @cached_property
    def joiners(self) -> frozenset[str]:
        """Words that stand inside a term: "Bill of Rights", "dióxido de carbono"."""
        return frozenset(_JOINERS.get(self.language, "").split())

    @cached_property
    def _frequency_list(self) -> str | None:
        import wordfreq

        name = _FREQUENCY_LISTS.get(self.language, self.language)
        if name in _NEEDS_TOKENIZER or name not in wordfreq.available_languages():
            return None
        return name

    @cached_property
    def _stemmer(self) -> object | None:
        import snowballstemmer

        algorithm = _ALGORITHMS.get(self.language)
        if algorithm not in snowballstemmer.algorithms():
            return None
        stemmer: object = snowballstemmer.stemmer(algorithm)
        return stemmer

    def tokens(self, text: str) -> list[Token]:
        """The words of one sentence, in order."""
        return list(self._tokens(text))

    def _tokens(self, text: str) -> Iterator[Token]:
        end = 0
        for match in _WORD.finditer(text):
            if _UNSPACED.search(match.group()):
                continue
            between = text[end : match.start()]
            broken = not end or bool(between.strip())
            start, end = match.span()
            if self.language in _ELIDING and (cut := _ELISION.match(match.group())):
                article = cut.group()[:-1]
                yield Token(article, start, start + cut.end(), article.lower(), broken)
                start, broken = start + cut.end(), False
            word = text[start:end]
            yield Token(word, start, end, self.stem(word), broken)

    def stem(self, word: str) -> str:
        """What the forms of `word` share; in English the singular of a noun.

        English keeps more than Snowball does, which throws "organ" and
        "organization" together: bad company for a term.
        """
        lower = word.lower().replace("\u2019", "'")
        if lower not in self._stems:
            self._stems[lower] = self._stem(lower)
        return self._stems[lower]

    def _stem(self, lower: str) -> str:
        if self.is_english:
            return _english_singular(_POSSESSIVE.sub("", lower))
        return self.root(lower)

    def root(self, word: str) -> str:
        """What Snowball leaves of `word`: shared by relatives, not only by forms.

        In English "senate" and "senators" share their root but not their stem.
        """
        lower = word.lower()
        if lower not in self._roots:
            stem_word = getattr(self._stemmer, "stemWord", None)
            self._roots[lower] = str(stem_word(lower)) if stem_word else lower
        return self._roots[lower]

    def normal_form(self, text: str) -> str:
        """The stems of the words of `text`: equal for forms of the same term."""
        return " ".join(token.stem for token in self.tokens(text))

    def zipf(self, word: str) -> float:
        """How common `word` is: log10 of its uses in 10^9 words, from 2 to about 8."""
        lower = word.lower()
        if lower not in self._zipfs:
            self._zipfs[lower] = self._zipf(lower)
        return self._zipfs[lower]

    def _zipf(self, lower: str) -> float:
        import wordfreq

        if self._frequency_list is None:
            return _UNKNOWN_ZIPF
        return max(RAREST_ZIPF, wordfreq.zipf_frequency(lower, self._frequency_list))

    @property
    def knows_rarity(self) -> bool:
        """Whether `zipf` tells rare words from common ones in this language."""
        return self._frequency_list is not None

    def is_stop_word(self, word: str) -> bool:
        """Whether `word` is grammar rather than content."""
        lower = word.lower().replace("\u2019", "'")
        if self.is_english:
            if lower in english.FUNCTION_WORDS or len(lower) < 2:
                return True
            return lower.endswith("ly") and lower not in english.LY_NOUNS
        if self._frequency_list is None:
            return len(lower) <= 3
        return len(lower) < 3 or self.zipf(lower) >= _COMMON_ZIPF


def _english_singular(lower: str) -> str:
    """Harman's S-stemmer (1991), with the sibilants and the irregular plurals."""
    if lower in english.IRREGULAR_SINGULARS:
        return english.IRREGULAR_SINGULARS[lower]
    if len(lower) < 4 or lower.endswith(("ss", "us", "is")):
        return lower
    if lower.endswith("ies") and not lower.endswith(("eies", "aies")):
        return lower[:-3] + "y"
    if lower.endswith(("ches", "shes", "xes", "sses", "zzes", "oes")):
        return lower[:-2]
    return lower.removesuffix("s")
