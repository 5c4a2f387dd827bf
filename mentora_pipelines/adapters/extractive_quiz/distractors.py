"""Distractors: the wrong options of a question, out of the same lesson.

Here belongs which other terms of a lesson may stand beside an answer. Not here:
which terms the lesson has, or the order of the options.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from mentora_pipelines.adapters.extractive_quiz.standing import (
    Standing,
    is_plural,
    is_proper,
)
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.definitions_of_terms import Definition
from mentora_pipelines.domain.terms.genus import are_of_one_kind, genus_of
from mentora_pipelines.domain.terms.key_terms import KeyTerm
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

DISTRACTOR_COUNT = 3
MIN_DISTRACTOR_COUNT = 2

# An option three times as long as another shows which of them is the odd one.
_MAX_LENGTH_RATIO = 3.0
_CATEGORY_WORDS = english.words("kind type sort form set group example")


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
        told = {vocabulary.normal_form(d.term): d for d in definitions}
        self._heads = {term: _head(d, vocabulary) for term, d in told.items()}
        self._genera = {term: genus_of(d, vocabulary) for term, d in told.items()}
        self._standing = Standing(texts, terms, vocabulary)

    def choose(
        self, answer: KeyTerm, quote: str, *, same_genus: bool = True
    ) -> list[str]:
        """Two or three terms that are wrong where `answer` is right; [] if too few.

        They are of the answer's kind, do not stand in `quote`, share no meaning
        with the answer as far as its words tell, and contain neither it nor each
        other. Where `same_genus` matters, beside a defined term stands at least one
        that the lesson defines as the same ("the part of a plant"): else its kind
        alone tells the answer.
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
        if len(chosen) < MIN_DISTRACTOR_COUNT or (
            same_genus
            and answer.is_defined
            and not self.is_same_genus(chosen[0], answer)
        ):
            return []
        self._given.update(term.normal_form for term in chosen)
        return [term.text for term in chosen]

    def is_same_genus(self, term: KeyTerm, other: KeyTerm) -> bool:
        """Whether the lesson defines both by the same noun, as "the part of"."""
        genus = self._genera.get(term.normal_form)
        return genus is not None and genus == self._genera.get(other.normal_form)

    def of_one_kind(self, answer: KeyTerm, quote: str) -> list[KeyTerm]:
        """Defined terms that somebody may take for `answer`, those most like it first.

        None of them stands in `quote`.
        """
        said = set(self._roots(quote))
        genus = self._genera.get(answer.normal_form)
        return sorted(
            (
                term
                for term in self._terms
                if term.is_defined
                and self._fits(term, answer, said)
                and are_of_one_kind(genus, self._genera.get(term.normal_form))
            ),
            key=lambda term: self._distance(term, answer),
        )

    def _fits(self, term: KeyTerm, answer: KeyTerm, said: set[str]) -> bool:
        sizes = len(term.text.split()), len(answer.text.split())
        names = is_proper(term), is_proper(answer)
        same_size = sizes[0] == sizes[1] or min(sizes) > 1 or all(names)
        if not same_size or names[0] != names[1] or self._overlap(term, answer):
            return False
        if not self._standing.alike(term, answer):
            return False
        if not (term.is_defined or names[0] or self._is_topic(term)):
            return False
        lengths = sorted((len(term.text), len(answer.text)))
        if lengths[1] > _MAX_LENGTH_RATIO * lengths[0]:
            return False
        if set(self._roots(term.text)) <= said:
            return False
        return not self._is_kind_of(term, answer) and self._may_be_taken(term, answer)

    def _may_be_taken(self, term: KeyTerm, answer: KeyTerm) -> bool:
        """Whether the lesson says of neither that it is of quite another kind."""
        some = self._genera.get(term.normal_form)
        others = self._genera.get(answer.normal_form)
        return some is None or others is None or are_of_one_kind(some, others)

    def _distance(
        self, term: KeyTerm, answer: KeyTerm
    ) -> tuple[bool, bool, bool, int, int, float, str]:
        return (
            not self.is_same_genus(term, answer),
            answer.is_defined and not term.is_defined,
            is_plural(term.text) != is_plural(answer.text),
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


def _are_enough(chosen: Sequence[KeyTerm]) -> bool:
    return len(chosen) >= MIN_DISTRACTOR_COUNT and all(t.is_defined for t in chosen)


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
