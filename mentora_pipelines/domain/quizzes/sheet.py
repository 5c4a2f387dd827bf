"""The sheet: whether a question can be read, and is worth reading, by itself.

Here belong the rules about the wording of a prompt and of a written answer. Not here:
options, or what the transcript says.
"""

import re
from collections.abc import Iterator

from mentora_pipelines.domain.quizzes.context import context_faults
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import BLANK, Question, QuestionKind
from mentora_pipelines.domain.quizzes.wording import (
    SAME_BLANK_SHARE,
    content_roots,
    has_words,
    normal,
    tokens_of,
)
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

MAX_PROMPT_CHARACTERS = 320
MAX_OPTION_CHARACTERS = 200
MAX_BLANK_WORDS = 5
MAX_SHORT_ANSWER_WORDS = 40

_MIN_OTHER_CONTENT_WORDS = 3
_MIN_WORDS_AROUND_NUMBER = 5
_BLANKS = re.compile(r"_{2,}")
_COMMON_ZIPF = 5.6
"""A word this common (one in 2,500) is no term: "people", "good", "because"."""

_RITUAL = re.compile(
    r"\b(?:(?:please|like\s+and|and|to)\s+subscribe(?!\s+to\s+(?:an?|the|every)\b)|"
    r"^subscribe|subscribe\s+(?:now|below|to\s+(?:my|our|this))|"
    r"^welcome\s+to|welcome\s+(?:back|to\s+(?:my|our|this))|"
    r"thanks?\s+(?:you\s+)?for\s+(?:watching|listening)|see\s+you\s+(?:next|in|soon)|"
    r"hit\s+the\s+(?:like|bell|subscribe|notification)|leave\s+a\s+(?:like|comment)|"
    r"my\s+name\s+is|my\s+channel|sponsor\s+of\s+(?:this|today)|"
    r"(?:video|lesson|episode)\s+is\s+sponsored\s+by|patreon)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?:\uff1f\uff1a]\s*(?:\([^)]*\))?\s*$")


def sheet_faults(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Why the question cannot be put to a student as it is worded."""
    if not (question.prompt.strip() and all(a.strip() for a in question.answers)):
        yield Fault(FaultCode.FORM, "the prompt or the answer is empty")
        return
    if len(question.prompt) > MAX_PROMPT_CHARACTERS or any(
        len(option) > MAX_OPTION_CHARACTERS for option in question.options
    ):
        yield Fault(FaultCode.FORM, "the prompt or an option is too long to be read")
    if not question.kind.has_options and question.options:
        yield Fault(
            FaultCode.FORM, "a question that is answered in writing has options"
        )
    if question.kind is not QuestionKind.TRUE_FALSE and any(
        has_words(question.prompt, answer) for answer in question.answers
    ):
        yield Fault(FaultCode.GIVEN_AWAY, "the prompt contains the answer")
    if _RITUAL.search(question.quote):
        yield Fault(FaultCode.TRIVIAL, "the quote greets, thanks or advertises")
    if vocabulary.is_english:
        yield from context_faults(question, vocabulary)
    yield from _kind_faults(question, vocabulary)


def _kind_faults(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    blanks = _BLANKS.findall(question.prompt)
    if question.kind is QuestionKind.FILL_IN:
        if blanks != [BLANK]:
            yield Fault(FaultCode.FORM, f"the prompt needs one blank, written {BLANK}")
        else:
            yield from _blank_faults(question, vocabulary)
    elif question.kind is QuestionKind.SHORT_ANSWER:
        yield from _short_answer_faults(question, vocabulary, bool(blanks))
    elif question.kind is QuestionKind.TRUE_FALSE:
        if blanks or question.prompt.rstrip().endswith("?"):
            yield Fault(FaultCode.FORM, "a statement is neither asked nor has blanks")
    elif len(blanks) > 1 or not (blanks or _ASKS.search(question.prompt)):
        yield Fault(FaultCode.FORM, "the prompt asks nothing")


def _blank_faults(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    words = vocabulary.tokens(question.answer)
    if len(words) > MAX_BLANK_WORDS:
        yield Fault(FaultCode.FORM, f"nobody guesses more than {MAX_BLANK_WORDS} words")
    if all(_is_common(token.lower, vocabulary) for token in words):
        yield Fault(FaultCode.TRIVIAL, "the blank stands for a word of no meaning")
    if _repeats(question):
        yield Fault(FaultCode.FORM, "the answer repeats what stands behind the blank")
    # In a sentence with a gap "name" and "part" are words like others.
    around = [
        token
        for token in tokens_of(question.prompt, vocabulary)
        if not vocabulary.is_stop_word(token.lower)
    ]
    least = _MIN_OTHER_CONTENT_WORDS
    if any(token.is_number for token in words):
        least = _MIN_WORDS_AROUND_NUMBER
    if len(around) < least:
        yield Fault(FaultCode.TRIVIAL, "too little stands around the blank")
    said = {token.stem for token in tokens_of(question.quote, vocabulary)}
    said |= set(content_roots(question.quote, vocabulary))
    same = sum(
        token.stem in said or vocabulary.root(token.stem) in said for token in around
    )
    if around and same < SAME_BLANK_SHARE * len(around):
        yield Fault(FaultCode.UNSUPPORTED, "the quote is not what the prompt completes")


def _repeats(question: Question) -> bool:
    """Whether the filled sentence stutters: "change to a project to a project"."""
    before, _, after = question.prompt.partition(BLANK)
    answer = normal(question.answer).split()
    behind = [word.strip(".,") for word in normal(after).split()]
    ahead = normal(before).split()
    return any(
        answer[-size:] == behind[:size] or answer[:size] == ahead[-size:]
        for size in range(1, len(answer) + 1)
    )


def _is_common(word: str, vocabulary: Vocabulary) -> bool:
    if vocabulary.is_stop_word(word):
        return True
    if vocabulary.is_english and word in english.VERB_FORMS:
        return True
    return not word[:1].isdigit() and vocabulary.zipf(word) >= _COMMON_ZIPF


def _short_answer_faults(
    question: Question, vocabulary: Vocabulary, has_blank: bool
) -> Iterator[Fault]:
    if has_blank or "?" not in question.prompt:
        yield Fault(FaultCode.FORM, "the prompt asks nothing")
    if len(question.answer.split()) > MAX_SHORT_ANSWER_WORDS:
        yield Fault(FaultCode.FORM, "the answer is too long for a short one")
    if normal(question.answer).strip(".") in {"yes", "no", "true", "false"}:
        yield Fault(FaultCode.TRIVIAL, "yes and no are guessed every other time")
    elif not content_roots(question.answer, vocabulary):
        yield Fault(FaultCode.TRIVIAL, "the answer has no word of meaning")
