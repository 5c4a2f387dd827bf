"""Claims: true-or-false statements, against what the quote says.

Here belongs when a quote says a statement, and when it contradicts it. A true one must
follow from the quote, a false one must not. Not here: any other kind of question.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

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


def claim_faults(
    question: Question, lesson_roots: Collection[str], vocabulary: Vocabulary
) -> Iterator[Fault]:
    """Why the quote does not decide the statement as the answer says."""
    statement = _TRUE_OR_FALSE.sub("", question.prompt)
    roots = content_roots(statement, vocabulary)
    said = content_roots(question.quote, vocabulary)
    about = sum(root in said for root in roots)
    is_false = question.answer == FALSE
    enough = _ABOUT_WORDS if is_false else _ABOUT_SHARE * len(roots)
    if not roots or about < min(enough, len(roots)):
        yield Fault(FaultCode.UNSUPPORTED, "the quote is not about what is stated")
    elif is_false and _is_word_for_word(statement, question.quote):
        yield Fault(FaultCode.UNSUPPORTED, "the quote says that it is true")
    elif not is_false and (
        _says_more(roots, said, lesson_roots)
        or not (
            _is_in_order(roots, said, statement)
            or _is_fronted(roots, question.quote, vocabulary)
        )
    ):
        yield Fault(FaultCode.UNSUPPORTED, "the quote does not say that it is true")
    elif not is_false and _is_changed(statement, question.quote, vocabulary):
        yield Fault(FaultCode.UNSUPPORTED, "the quote says the opposite")


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
    if has_words(statement, "by") and set(roots) <= set(said):
        return True  # a passive turns the order round
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
    """Whether a number, an opposite or a "not" makes it something else."""
    if numbers_in(statement, vocabulary) - numbers_in(quote, vocabulary):
        return True
    if not vocabulary.is_english:
        return False
    if opposite_in(statement, quote) is not None:
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
