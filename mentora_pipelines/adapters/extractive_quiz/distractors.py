"""Distractors: the wrong options of a question, out of the same lesson.

Here belongs which other terms of a lesson may stand beside an answer. Not here:
which terms the lesson has, or the order of the options.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.definitions_of_terms import Definition
from mentora_pipelines.domain.terms.key_terms import KeyTerm
from mentora_pipelines.domain.terms.vocabulary import Vocabulary, sentences_of

DISTRACTOR_COUNT = 3
MIN_DISTRACTOR_COUNT = 2

# An option three times as long as another shows which of them is the odd one.
_MAX_LENGTH_RATIO = 3.0
# "Sixteenth" is half of a king.
_ORDINAL = re.compile(
    r"(?:teenth|first|second|third|fourth|fifth|sixth|eighth)$", re.IGNORECASE
)
_CATEGORY_WORDS = english.words("kind type sort form set group example")


class _NameKind(StrEnum):
    """What a name seems to name: "Caesar", "to Greece", "the Senate"."""

    PLACE = "place"
    BARE = "bare"
    WITH_ARTICLE = "with_article"


class Distractors:
    """The terms of one lesson as wrong options for each other.

    Remembers how often it gave each one, so that a quiz does not show the same
    options again and again.
    """

    def __init__(
        self,
        texts: Sequence[str],
        terms: Sequence[KeyTerm],
        definitions: Iterable[Definition],
        vocabulary: Vocabulary,
    ) -> None:
        self._vocabulary = vocabulary
        self._terms = terms
        self._given: Counter[str] = Counter()
        self._heads = {
            vocabulary.normal_form(definition.term): _head(definition, vocabulary)
            for definition in definitions
        }
        self._name_kinds = self._kinds_of_names(texts)

    def choose(self, answer: KeyTerm, quote: str) -> list[str]:
        """Two or three terms that are wrong where `answer` is right; [] if too few.

        They are of the answer's kind, do not stand in `quote`, share no meaning
        with the answer as far as its words tell, and contain neither it nor each
        other.
        """
        said = set(self._roots(quote))
        ranked = sorted(
            (term for term in self._terms if self._fits(term, answer, said)),
            key=lambda term: self._distance(term, answer),
        )
        chosen: list[KeyTerm] = []
        for term in ranked:
            if answer.is_defined and not term.is_defined and _are_enough(chosen):
                # A term that the lesson only mentions is the odd one out.
                break
            if all(not self._overlap(term, other) for other in chosen):
                chosen.append(term)
            if len(chosen) == DISTRACTOR_COUNT:
                break
        if len(chosen) < MIN_DISTRACTOR_COUNT:
            return []
        self._given.update(term.normal_form for term in chosen)
        return [term.text for term in chosen]

    def _fits(self, term: KeyTerm, answer: KeyTerm, said: set[str]) -> bool:
        sizes = len(term.text.split()), len(answer.text.split())
        names = is_proper(term), is_proper(answer)
        same_size = sizes[0] == sizes[1] or min(sizes) > 1 or all(names)
        if not same_size or names[0] != names[1] or self._overlap(term, answer):
            return False
        if _ORDINAL.search(term.text) or self._name_kinds.get(
            term
        ) != self._name_kinds.get(answer):
            return False
        if not (term.is_defined or names[0] or self._is_topic(term)):
            return False
        lengths = sorted((len(term.text), len(answer.text)))
        if lengths[1] > _MAX_LENGTH_RATIO * lengths[0]:
            return False
        if set(self._roots(term.text)) <= said:
            return False
        return not self._is_kind_of(term, answer)

    def _distance(
        self, term: KeyTerm, answer: KeyTerm
    ) -> tuple[bool, bool, int, int, float, str]:
        return (
            answer.is_defined and not term.is_defined,
            _is_plural(term.text) != _is_plural(answer.text),
            self._given[term.normal_form],
            abs(len(term.text) - len(answer.text)) // 4,
            -term.score,
            term.text,
        )

    def _overlap(self, term: KeyTerm, other: KeyTerm) -> bool:
        mine, theirs = set(self._roots(term.text)), set(self._roots(other.text))
        texts = term.text.lower(), other.text.lower()
        return (
            mine <= theirs
            or theirs <= mine
            or texts[0] in texts[1]
            or texts[1] in texts[0]
        )

    def _is_kind_of(self, term: KeyTerm, answer: KeyTerm) -> bool:
        """Whether the lesson calls `term` a kind of `answer`: then both are right."""
        head = self._heads.get(term.normal_form, frozenset())
        return set(answer.normal_form.split()) <= head

    def _roots(self, text: str) -> list[str]:
        tokens = self._vocabulary.tokens(text)
        return [self._vocabulary.root(token.stem) for token in tokens]

    def _is_topic(self, term: KeyTerm) -> bool:
        """Whether the lesson comes back to `term`, and not as "the middle item"."""
        words = term.text.split()
        return term.count > 1 and english.GENERAL_WORDS.isdisjoint(words)

    def _kinds_of_names(self, texts: Sequence[str]) -> dict[KeyTerm, _NameKind]:
        """What the word before each name makes of it, most often."""
        names = [term for term in self._terms if is_proper(term)]
        votes: dict[KeyTerm, Counter[_NameKind]] = {n: Counter() for n in names}
        for text in texts:
            for sentence in sentences_of(text):
                tokens = self._vocabulary.tokens(sentence)
                stems = f" {' '.join(token.stem for token in tokens)} "
                for name in names:
                    before, found, _ = stems.partition(f" {name.normal_form} ")
                    if found:
                        votes[name][_name_kind(before)] += 1
        return {
            name: max(_NameKind, key=lambda kind: votes[name][kind]) for name in names
        }


def _name_kind(before: str) -> _NameKind:
    last = before.rsplit(maxsplit=1)[-1] if before.strip() else ""
    if last in english.PREPOSITIONS:
        return _NameKind.PLACE
    determined = last in english.DETERMINERS | english.ADVERBS
    return _NameKind.WITH_ARTICLE if determined else _NameKind.BARE


def _are_enough(chosen: Sequence[KeyTerm]) -> bool:
    return len(chosen) >= MIN_DISTRACTOR_COUNT and all(t.is_defined for t in chosen)


def is_proper(term: KeyTerm) -> bool:
    """Whether `term` is a name like "Caesar", not a label like "B-tree" or "DNA"."""
    first = term.text.split(maxsplit=1)[0]
    return (
        term.is_name
        and len(first) > 2
        and first[1:3].isalpha()
        and (first[1:].islower())
    )


def _head(definition: Definition, vocabulary: Vocabulary) -> frozenset[str]:
    """The stems that name what a defined term is: "a simple sugar" of glucose."""
    head: list[str] = []
    for token in vocabulary.tokens(definition.description):
        links = token.lower in english.PREPOSITIONS | english.CONJUNCTIONS
        of_category = token.lower == "of" and head and head[-1] in _CATEGORY_WORDS
        if links and not of_category:
            break
        head.append(token.stem)
    return frozenset(head)


def _is_plural(text: str) -> bool:
    last = text.rsplit(maxsplit=1)[-1].lower()
    return last in english.IRREGULAR_SINGULARS or (
        last.endswith("s") and not last.endswith(("ss", "us", "is"))
    )
