"""Claims: true-or-false statements, against what the quote says.

Here belongs when a sentence says a statement, and when it contradicts it. A true one
must follow from its quote, a false one from no sentence of the lesson. Not here: any
other kind of question.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import FALSE, Question
from mentora_pipelines.domain.quizzes.wording import (
    clauses_of,
    common_in_order,
    content_roots,
    has_words,
    negations_in,
    numbers_in,
    opposite_in,
    plain_words,
)
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

SAME_SHARE = 0.75
"""A statement that has this share of its words from the quote, in their order, says
what the quote says; read off the questions in the tests."""

_ABOUT_SHARE = 0.5
_ABOUT_WORDS = 2
_TRUE_OR_FALSE = re.compile(
    r"^\s*true\s+or\s+false\s*[:?.\u2013-]*\s*", flags=re.IGNORECASE
)
_LIGHT_VERBS = english.words(
    "appear arise become carry consist contain exist get give happen have hold include "
    "involve lie need occur receive remain take use"
)
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being)\s+(?:[\w-]+\s+){1,6}?by\s+(?P<doer>.+)",
    re.IGNORECASE,
)
_SWEEPING = tuple(
    english.words(alike)
    for alike in ("only alone solely merely", "every each all any always whole")
)
_FRONTED = re.compile(
    r"^(?P<clause>(?:when|where|if|because|once|after|before|as|since|although|"
    r"whenever|until|unless|while)\s[^,]+),\s+(?P<main>.+)$",
    re.IGNORECASE,
)
_CONTRAST = re.compile(
    r",?\s+(?:but(?!\s+not\b)|whereas)\s+|,\s+while\s+|;\s+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something that the lesson says, and the roots of its words, in order."""

    text: str
    roots: tuple[str, ...]


def claim_faults(
    question: Question,
    sentences: Sequence[Sentence],
    lesson_roots: Collection[str],
    vocabulary: Vocabulary,
) -> Iterator[Fault]:
    """Why the quote, or another sentence, does not decide it as the answer says."""
    statement = _TRUE_OR_FALSE.sub("", question.prompt)
    claim = _Claim(statement, lesson_roots, vocabulary)
    said = content_roots(question.quote, vocabulary)
    about = sum(root in said for root in claim.roots)
    is_false = question.answer == FALSE
    enough = _ABOUT_WORDS if is_false else _ABOUT_SHARE * len(claim.roots)
    if not claim.roots or about < min(enough, len(claim.roots)):
        yield Fault(FaultCode.UNSUPPORTED, "the quote is not about what is stated")
    elif is_false:
        if _is_word_for_word(statement, question.quote):
            yield Fault(FaultCode.UNSUPPORTED, "the quote says that it is true")
        elif any(claim.follows_from(sentence) for sentence in sentences):
            yield Fault(FaultCode.UNSUPPORTED, "the lesson says that it is true")
    elif claim.brings_in or not claim.is_told_by(question.quote):
        yield Fault(FaultCode.UNSUPPORTED, "the quote does not say that it is true")
    elif _is_changed(statement, question.quote, vocabulary):
        yield Fault(FaultCode.UNSUPPORTED, "the quote says the opposite")


class _Claim:
    """A statement, held against what is said."""

    def __init__(
        self, statement: str, lesson_roots: Collection[str], vocabulary: Vocabulary
    ) -> None:
        self.roots = content_roots(statement, vocabulary)
        self._statement = statement
        self._lesson_roots = lesson_roots
        self._vocabulary = vocabulary
        light = {vocabulary.root(word) for word in _LIGHT_VERBS}
        self.brings_in = not light.issuperset(
            root for root in self.roots if root not in lesson_roots
        )
        """Whether it says what the lesson never says; another "is" may be new."""

    def follows_from(self, sentence: Sentence) -> bool:
        """Whether somebody who has heard the sentence must call it true."""
        about = sum(root in sentence.roots for root in self.roots)
        return (
            not self.brings_in
            and about >= max(_ABOUT_WORDS, _ABOUT_SHARE * len(self.roots))
            and self.is_told_by(sentence.text)
            and not _is_changed(self._statement, sentence.text, self._vocabulary)
        )

    def is_told_by(self, sentence: str) -> bool:
        """Whether the sentence has its words, in an order that means the same."""
        said = content_roots(sentence, self._vocabulary)
        if _says_more(self.roots, said, self._lesson_roots):
            return False
        if self._vocabulary.is_english and self._joins_two_sides(sentence, said):
            return False
        doer = _PASSIVE.search(self._statement)
        if doer is not None and not has_words(sentence, "by"):
            return self._is_turned_passive(doer["doer"], said)
        return (
            _is_in_order(self.roots, said, self._statement)
            or self._is_in_order_of_clauses(sentence)
            or _is_fronted(self.roots, sentence, self._vocabulary)
        )

    def _is_turned_passive(self, doer: str, said: Sequence[str]) -> bool:
        """Whether who does it stands first in what is said, before what it is done to.

        "Energy is captured by chlorophyll", of "chlorophyll captures energy".
        """
        by = content_roots(doer, self._vocabulary)
        return (
            bool(by)
            and set(self.roots) <= set(said)
            and said.index(by[0]) < said.index(self.roots[0])
        )

    def _is_in_order_of_clauses(self, sentence: str) -> bool:
        """Whether the order is the same once both put what happens first."""
        statement, told = _main_first(self._statement), _main_first(sentence)
        roots = content_roots(statement, self._vocabulary)
        return _is_in_order(roots, content_roots(told, self._vocabulary), statement)

    def _joins_two_sides(self, sentence: str, said: Sequence[str]) -> bool:
        """Whether it says of one side what the sentence says of the other.

        "It takes in red light, but sends back green light" sends back no red light.
        """
        sides = [set(content_roots(s, self._vocabulary)) for s in _sides_of(sentence)]
        subject = {
            root
            for root, other in takewhile(
                lambda pair: pair[0] == pair[1], zip(self.roots, said, strict=False)
            )
        }
        used = [
            side & set(self.roots) - subject - set().union(*others)
            for at, side in enumerate(sides)
            for others in [sides[:at] + sides[at + 1 :]]
        ]
        return sum(map(bool, used)) > 1


def _main_first(sentence: str) -> str:
    """What happens before when: "When X, Y" as "Y when X", any other as it is."""
    found = _FRONTED.match(sentence)
    if found is None:
        return sentence
    return f"{found['main'].rstrip('.!')} {found['clause']}"


def _sides_of(sentence: str) -> list[str]:
    """What a "but" sets against each other; "but not its size" is no side."""
    return _CONTRAST.split(sentence)


def _is_word_for_word(statement: str, quote: str) -> bool:
    words = plain_words(statement)
    return common_in_order(words, plain_words(quote)) == len(words)


def _says_more(
    roots: Sequence[str], said: Sequence[str], lesson_roots: Collection[str]
) -> bool:
    """Whether it brings in a word that the lesson says of something else.

    A word that the lesson never uses may be another one for what the quote says.
    """
    beyond = Counter(roots) - Counter(said)
    return not beyond.keys().isdisjoint(lesson_roots)


def _is_in_order(roots: Sequence[str], said: Sequence[str], statement: str) -> bool:
    """Whether the quote says the words of the statement, of the same subject."""
    if has_words(statement, "is called") and set(roots) <= set(said):
        return True  # what it is called may stand first, or last
    if common_in_order(roots, said) < SAME_SHARE * len(roots):
        return False
    subject = roots[0]
    if subject not in said:
        # Another word for it will do.
        return True
    return set(roots[1:]).isdisjoint(said[: said.index(subject)])


def _is_fronted(roots: Sequence[str], quote: str, vocabulary: Vocabulary) -> bool:
    """Whether the quote says it with its place or time first: "Above it is X"."""
    clause = next(iter(clauses_of(quote)), "")
    opening = clause.split(maxsplit=1)[0].lower() if clause else ""
    said = content_roots(clause, vocabulary)
    shared = sum(root in said for root in roots)
    return opening in english.PREPOSITIONS and shared >= SAME_SHARE * len(roots)


def _is_changed(statement: str, quote: str, vocabulary: Vocabulary) -> bool:
    """Whether a number, an opposite, an "only" or a "not" makes it something else."""
    if numbers_in(statement, vocabulary) - numbers_in(quote, vocabulary):
        return True
    if not vocabulary.is_english:
        return False
    if opposite_in(statement, quote) is not None or _sweeps(statement, quote):
        return True
    roots = set(content_roots(statement, vocabulary))
    used = [
        clause
        for clause in clauses_of(quote)
        for said in [content_roots(clause, vocabulary)]
        if said and 2 * sum(root in roots for root in said) >= len(said)
    ]
    denied = sum(negations_in(clause) for clause in used)
    return negations_in(statement) not in {negations_in(quote), denied}


def _sweeps(statement: str, quote: str) -> bool:
    """Whether it says "only" or "every" where the quote does not."""
    claimed, said = set(plain_words(statement)), set(plain_words(quote))
    return any(claimed & words and not said & words for words in _SWEEPING)
