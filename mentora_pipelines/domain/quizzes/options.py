"""Options: what can be chosen, and what gives the right one away.

Here belong the rules about the options among themselves and against the prompt. Not
here: whether the quote makes one right (`evidence`).
"""

import re
from collections.abc import Iterator, Sequence

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import (
    FALSE,
    TRUE,
    Question,
    QuestionKind,
)
from mentora_pipelines.domain.quizzes.wording import content_roots, normal
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

MIN_OPTIONS = 3
"""With two options a guess is right every other time."""

MAX_OPTIONS = 6

GIVEAWAY_RATIO = 1.8
"""An answer this much longer, or shorter, than every distractor is found without the
lesson (Haladyna, Downing and Rodriguez 2002, rule 24: keep the length about equal)."""

_GIVEAWAY_CHARACTERS = 12
_GIVEAWAY_WORDS = 3
_LONG_WORDS, _SHORT_WORDS = 6, 1
_CATCH_ALL = re.compile(
    r"\b(?:all|none|both|neither|any|some)\s+of\s+(?:the\s+|these|those|them)|"
    r"\ball\s+answers|\bnone$|\bboth\s+[a-e]\b|"
    r"\b(?:[a-e]|\d)\s+(?:and|or|&)\s+(?:[a-e]|\d)\b|\bi\s+do\s?n.t\s+know\b|"
    r"\bnot\s+(?:mentioned|given|sure)\b|\bcannot\s+be\s+determined\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\s*(?:option|answer|choice|distractor)\s*\w?\s*$|"
    r"^\s*\(?[A-Ea-e1-5]\s*[).:]\s+|^\s*[A-Ea-e]\s*$|^\W+$|"
    r"\b(?:placeholder|lorem ipsum|distractor)\b",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(
    r"\b(?:always|never|only|all|none|every|impossible|completely|must|exactly)\b",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"^[\s$€£~]*[\d.,]+\s*(?:%|percent|[a-z]{1,3})?\s*$", re.IGNORECASE
)
_ARTICLE = re.compile(r"\b(an?)\s*(?:_{2,}[.?]?|[:?.])?\s*$", re.IGNORECASE)


def option_faults(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Why a student who knows nothing finds the answer, or nobody can."""
    if question.kind is QuestionKind.TRUE_FALSE:
        if set(question.options) != {TRUE, FALSE} or question.answer not in {
            TRUE,
            FALSE,
        }:
            yield Fault(
                FaultCode.OPTIONS, f"the options must be {TRUE} and {FALSE}, one right"
            )
        elif question.further_answers:
            yield Fault(FaultCode.OPTIONS, "a statement has one right answer")
        return
    shape = list(_shape_faults(question, vocabulary))
    yield from shape
    if shape:
        return
    yield from _mixture(question)
    if question.kind is QuestionKind.MULTIPLE_CHOICE:
        yield from _giveaways(question, vocabulary)


def _shape_faults(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    options, answers = question.options, question.answers
    if not MIN_OPTIONS <= len(options) <= MAX_OPTIONS:
        yield Fault(
            FaultCode.OPTIONS, f"there must be {MIN_OPTIONS} to {MAX_OPTIONS} options"
        )
        return
    if not all(option.strip() for option in options):
        yield Fault(FaultCode.OPTIONS, "an option is empty")
        return
    if any(_LABEL.search(option) for option in options):
        yield Fault(FaultCode.OPTIONS, "an option is a label, not an answer")
    if len({_core(option, vocabulary) for option in options}) < len(options):
        yield Fault(FaultCode.OPTIONS, "two options are the same")
    if any(_CATCH_ALL.search(option) for option in options):
        yield Fault(FaultCode.OPTIONS, "an option speaks about the others")
    if not set(answers) <= set(options) or len(set(answers)) < len(answers):
        yield Fault(FaultCode.OPTIONS, "the answer is not among the options")
    elif question.kind is QuestionKind.MULTIPLE_CHOICE and len(answers) > 1:
        yield Fault(FaultCode.OPTIONS, "a multiple-choice question has one answer")
    elif question.kind is QuestionKind.MULTIPLE_ANSWER and not (
        2 <= len(answers) < len(options)
    ):
        yield Fault(
            FaultCode.OPTIONS, "at least two options must be right, and one wrong"
        )


def _core(option: str, vocabulary: Vocabulary) -> str:
    """What is left of an option without articles, marks and endings."""
    stems = [
        token.stem
        for token in vocabulary.tokens(option)
        if token.lower not in {"a", "an", "the"}
    ]
    return " ".join(stems) or normal(option)


def _mixture(question: Question) -> Iterator[Fault]:
    options = question.options
    numeric = [bool(_NUMERIC.match(option)) for option in options]
    if any(numeric) and not all(numeric):
        yield Fault(FaultCode.OPTIONS, "numbers and words are mixed in the options")
        return
    sizes = [len(option.split()) for option in options]
    if max(sizes) >= _LONG_WORDS and min(sizes) <= _SHORT_WORDS:
        yield Fault(FaultCode.OPTIONS, "sentences and single words are mixed")
        return
    small = [option.strip()[0].islower() for option in options]
    # "pH" and "mRNA" begin small among capitals: one alone proves nothing.
    if question.kind is QuestionKind.MULTIPLE_CHOICE and _stands_alone(question, small):
        yield Fault(FaultCode.GIVEN_AWAY, "only the answer is written that way")


def _stands_alone(question: Question, marks: Sequence[bool]) -> bool:
    """Whether the answer's mark differs from that of every distractor."""
    marked = dict(zip(question.options, marks, strict=True))
    others = {marked[option] for option in question.distractors}
    return others == {not marked[question.answer]}


def _giveaways(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    answer = question.answer
    lengths = [len(option) for option in question.distractors]
    longer = len(answer) > GIVEAWAY_RATIO * max(lengths) and (
        len(answer) - max(lengths) > _GIVEAWAY_CHARACTERS
    )
    shorter = min(lengths) > GIVEAWAY_RATIO * len(answer) and (
        min(lengths) - len(answer) > _GIVEAWAY_CHARACTERS
    )
    words = [len(option.split()) for option in question.distractors]
    own = len(answer.split())
    wordy = own - max(words) >= _GIVEAWAY_WORDS or min(words) - own >= _GIVEAWAY_WORDS
    if longer or shorter or wordy:
        yield Fault(FaultCode.GIVEN_AWAY, "the length of the answer gives it away")
    ends = [option.rstrip().endswith((".", "!")) for option in question.options]
    if _stands_alone(question, ends):
        yield Fault(FaultCode.GIVEN_AWAY, "only the answer ends so")
    if not vocabulary.is_english:
        return
    sweeping = [bool(_ABSOLUTE.search(option)) for option in question.options]
    if _stands_alone(question, sweeping) and not _ABSOLUTE.search(answer):
        yield Fault(FaultCode.GIVEN_AWAY, "only the wrong options are sweeping")
    yield from _echo(question, vocabulary)
    article = _ARTICLE.search(question.prompt)
    if article:
        vowels = [option.strip()[0].lower() in "aeiou" for option in question.options]
        if _stands_alone(question, vowels):
            yield Fault(
                FaultCode.GIVEN_AWAY, f"{article[1]!r} before the gap fits one option"
            )


def _echo(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    """A word of the prompt that comes back in the answer alone."""
    asked = set(content_roots(question.prompt, vocabulary))
    echoed = asked & set(content_roots(question.answer, vocabulary))
    for option in question.distractors:
        echoed -= set(content_roots(option, vocabulary))
    if echoed and len(question.answer.split()) <= 4:
        yield Fault(
            FaultCode.GIVEN_AWAY, "a word of the prompt comes back in the answer alone"
        )
