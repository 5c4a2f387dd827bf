"""Key terms: the words and phrases that tell what a lesson is about.

Here belong finding and ranking the terms of a lesson and the topic tags of its
chunks. Not here: word lists (`english_words`), stems and rarity (`vocabulary`).

A term's score is (1 + ln count) * rarity, rarity being 8 - zipf frequency: the
tf-idf of Sparck Jones (1972) with a whole language in the place of the collection,
because one lesson is too small a collection to tell rare from common.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import log

from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.definitions_of_terms import definition_in
from mentora_pipelines.domain.terms.vocabulary import (
    Token,
    Vocabulary,
    sentences_of,
)

MAX_TERM_WORDS = 3
_ZIPF_OF_THE = 8.0
# A single mention counts when the language uses the word less than once in 10,000
# words; commoner words must come back to be a topic.
_RARE_ENOUGH_ONCE = 5.0
_PHRASE_BONUS, _NAME_BONUS, _DEFINED_BONUS = 1.15, 1.15, 1.5
_GENERAL_MALUS = 0.7
# Tags beyond the first 200 terms of a lesson would tell nothing about a chunk.
_TERMS_FOR_TAGS = 200


@dataclass(frozen=True, slots=True)
class KeyTerm:
    """A term as a reader expects it written, and how much it tells.

    `normal_form` is its stems joined by blanks: equal for every inflected form.
    """

    text: str
    normal_form: str
    score: float
    count: int
    is_name: bool
    """Always written with a capital, as names (and all German nouns) are."""
    is_defined: bool
    """The lesson says what the term means."""


def key_terms(texts: Sequence[str], language: str, limit: int = 20) -> list[KeyTerm]:
    """The `limit` most telling terms of a lesson, best first, ties by spelling."""
    return _Lesson(texts, Vocabulary(language)).terms()[:limit]


def topic_tags(
    chunk_texts: Sequence[str], language: str, per_chunk: int = 5
) -> list[tuple[str, ...]]:
    """For each chunk its own most telling terms, best first.

    A term that stands in every chunk tells little about one of them, so its score
    is divided by the number of chunks it stands in (at its logarithm's pace).
    """
    vocabulary = Vocabulary(language)
    terms = _Lesson(chunk_texts, vocabulary).terms()[:_TERMS_FOR_TAGS]
    chunks = [f" {vocabulary.normal_form(text)} " for text in chunk_texts]
    spread = {
        term.normal_form: sum(f" {term.normal_form} " in chunk for chunk in chunks)
        for term in terms
    }
    tags = []
    for chunk in chunks:
        scored = [
            (term.score / term_weight * (1 + log(count)), term.text)
            for term in terms
            if (count := chunk.count(f" {term.normal_form} "))
            for term_weight in [
                (1 + log(term.count)) * (1 + log(spread[term.normal_form]))
            ]
        ]
        scored.sort(key=lambda pair: (-pair[0], pair[1]))
        tags.append(tuple(text for _, text in scored[:per_chunk]))
    return tags


@dataclass(slots=True)
class _Use:
    """How often a run of stems occurs, and how it is written."""

    count: int = 0
    first: Counter[str] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)

    def add(self, surface: str, begins_sentence: bool) -> None:
        self.count += 1
        (self.first if begins_sentence else self.inside)[surface] += 1


class _Lesson:
    """The sentences of one lesson, read for evidence of what is a noun."""

    def __init__(self, texts: Sequence[str], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._nouns: Counter[str] = Counter()
        self._verbs: Counter[str] = Counter()
        self._last_words: Counter[str] = Counter()
        self._capitals: dict[str, list[bool]] = defaultdict(list)
        self._defined: set[str] = set()
        self._sentences: list[tuple[str, list[Token]]] = []
        for text in texts:
            for sentence in sentences_of(text):
                self._read(sentence)

    def _read(self, sentence: str) -> None:
        tokens = self._vocabulary.tokens(sentence)
        self._sentences.append((sentence, tokens))
        for token in tokens[1:]:
            self._capitals[token.stem].append(token.is_capitalised)
        if self._vocabulary.is_english:
            self._weigh_english(tokens)
            if definition := definition_in(sentence):
                self._defined.add(self._vocabulary.normal_form(definition.term))
            return
        for before, token in pairwise(tokens):
            if before.lower in self._vocabulary.articles:
                self._nouns[token.stem] += 1

    def _weigh_english(self, tokens: list[Token]) -> None:
        """Count for each word whether its neighbours take it for noun or verb."""
        for at, token in enumerate(tokens):
            before = "" if token.after_break or not at else tokens[at - 1].lower
            follower = tokens[at + 1] if at + 1 < len(tokens) else None
            closed = follower is None or follower.after_break
            after = "" if follower is None or closed else follower.lower
            determined = before in self._vocabulary.articles or before in (
                english.PREPOSITIONS - english.PARTICLES - {"to"}
            )
            ends_phrase = closed or after in (
                english.PREPOSITIONS | english.CONJUNCTIONS | english.AUXILIARIES
            )
            if ends_phrase:
                self._last_words[token.stem] += 1
            is_subject = (
                after in english.AUXILIARIES and before not in english.SUBJECT_PRONOUNS
            ) or ((determined or not at) and _is_verb_like(after))
            is_object = ends_phrase and (determined or before in english.GENERAL_WORDS)
            if is_subject or is_object:
                self._nouns[token.stem] += 1
            elif (
                before in english.SUBJECT_PRONOUNS | english.MODALS
                or (after in english.DETERMINERS - {"that"} and not determined)
                or (before == "to" and not ends_phrase)
            ):
                self._verbs[token.stem] += 1

    def terms(self) -> list[KeyTerm]:
        """Every term of the lesson, best first."""
        uses: dict[tuple[str, ...], _Use] = defaultdict(_Use)
        for sentence, tokens in self._sentences:
            for run in self._runs(tokens):
                surface = sentence[run[0].start : run[-1].end]
                stems = tuple(token.stem for token in run)
                uses[stems].add(surface, run[0] is tokens[0])
        kept = {stems: use for stems, use in uses.items() if self._is_term(stems, use)}
        alone = {
            stems: use for stems, use in kept.items() if not _only_inside(stems, kept)
        } | {s: use for s, use in kept.items() if " ".join(s) in self._defined}
        terms = [self._term(stems, use) for stems, use in alone.items()]
        return sorted(terms, key=lambda term: (-term.score, term.text))

    def _runs(self, tokens: list[Token]) -> Iterator[list[Token]]:
        """Every stretch of one to three words that could be a term."""
        for first in range(len(tokens)):
            for size in range(1, MAX_TERM_WORDS + 1):
                run = tokens[first : first + size]
                if len(run) < size or any(token.after_break for token in run[1:]):
                    break
                if self._could_be_term(run):
                    yield run

    def _could_be_term(self, run: list[Token]) -> bool:
        if " ".join(token.stem for token in run) in self._defined:
            return True
        joined = len(run) == 3 and run[1].lower in self._vocabulary.joiners
        between_names = run[0].is_capitalised and run[-1].is_capitalised
        if joined and self._vocabulary.is_english and not between_names:
            return False
        return all(
            self._is_content(token) for token in run if not (joined and token is run[1])
        )

    def _is_content(self, token: Token) -> bool:
        if token.is_number or self._vocabulary.is_stop_word(token.lower):
            return False
        return not (self._vocabulary.is_english and token.lower in english.VERB_FORMS)

    def _is_name(self, stem: str) -> bool:
        return bool(self._capitals[stem]) and all(self._capitals[stem])

    def _is_term(self, stems: tuple[str, ...], use: _Use) -> bool:
        if " ".join(stems) in self._defined:
            return True
        surface = next(iter(use.inside or use.first))
        words = surface.lower().split()
        named = self._vocabulary.language != "de" and all(
            self._is_name(stem)
            for stem in stems
            if stem not in self._vocabulary.joiners
        )
        if len(stems) > 1:
            return named or (use.count > 1 and self._is_phrase(stems, words))
        return self._is_word(stems[0], words[0], use.count, named)

    def _is_phrase(self, stems: tuple[str, ...], words: list[str]) -> bool:
        if not self._vocabulary.is_english:
            return self._vocabulary.language != "de" or self._is_name(stems[-1])
        return self._last_words[stems[-1]] > 0 and not any(
            self._verbs[stem] > self._nouns[stem]
            or (word in english.GENERAL_WORDS and word is words[-1])
            for stem, word in zip(stems, words, strict=True)
        )

    def _is_word(self, stem: str, word: str, count: int, named: bool) -> bool:
        if len(word) < 3 and not named:
            return False
        telling = count > 1 or self._vocabulary.zipf(word) < _RARE_ENOUGH_ONCE
        if self._vocabulary.language == "de":
            return telling and self._is_name(stem)
        if not self._vocabulary.is_english:
            noun = self._nouns[stem] > 0 or not self._vocabulary.articles
            return telling and (noun or named)
        if word in english.GENERAL_WORDS:
            return False
        if word.endswith("ed") and word not in english.ED_NOUNS and not named:
            return False
        return telling and (named or self._nouns[stem] > self._verbs[stem])

    def _term(self, stems: tuple[str, ...], use: _Use) -> KeyTerm:
        text = self._written(use)
        normal_form = " ".join(stems)
        named = self._is_name(stems[-1])
        rarity = max(
            _ZIPF_OF_THE - self._vocabulary.zipf(word) for word in text.split()
        )
        score = (1 + log(use.count)) * max(rarity, 0.0)
        score *= _PHRASE_BONUS if len(stems) > 1 else 1
        score *= _NAME_BONUS if named else 1
        general = not english.GENERAL_WORDS.isdisjoint(text.split())
        if normal_form in self._defined:
            score *= _DEFINED_BONUS
        elif self._vocabulary.is_english and general:
            score *= _GENERAL_MALUS
        return KeyTerm(
            text, normal_form, score, use.count, named, normal_form in self._defined
        )

    def _written(self, use: _Use) -> str:
        """The commonest spelling; capitals only where they are not the sentence's."""
        spellings = use.inside + Counter(
            {self._uncapitalised(text): n for text, n in use.first.items()}
        )
        common = max(spellings.items(), key=_spelling_rank)[0]
        return _without_possessive(common) if self._vocabulary.is_english else common

    def _uncapitalised(self, text: str) -> str:
        first, _, others = text.partition(" ")
        written_so = self._is_name(self._vocabulary.stem(first))
        if written_so or not first[1:].islower() or others[:1].isupper():
            return text
        return text[0].lower() + text[1:]


def _is_verb_like(word: str) -> bool:
    return word in english.VERB_FORMS or (
        word.endswith("ed") and word not in english.ED_NOUNS
    )


def _only_inside(stems: tuple[str, ...], kept: dict[tuple[str, ...], _Use]) -> bool:
    """Whether `stems` never stands but inside one longer term ("dioxide")."""
    count = kept[stems].count
    return any(
        len(longer) > len(stems)
        and use.count >= count
        and f" {' '.join(stems)} " in f" {' '.join(longer)} "
        for longer, use in kept.items()
    )


def _without_possessive(text: str) -> str:
    for ending in ("'s", "\u2019s", "'", "\u2019"):
        text = text.removesuffix(ending)
    return text


def _spelling_rank(spelling: tuple[str, int]) -> tuple[int, int, str]:
    """Often first, then short (the singular), then by the alphabet."""
    text, count = spelling
    return count, -len(text), text
