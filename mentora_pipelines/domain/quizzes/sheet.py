"""The sheet: whether a question can be read, and is worth reading, by itself.

Here belong the rules about the wording of a prompt and of a written answer. Not here:
options, or what the transcript says.
"""

import re
from collections.abc import Iterator

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import BLANK, Question, QuestionKind
from mentora_pipelines.domain.quizzes.wording import (
    SAME_BLANK_SHARE,
    content_roots,
    has_words,
    normal,
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

# What is said about the recording instead of the subject.
_RECORDING = re.compile(
    r"\b(?:speakers?|narrator|presenter|lecturer|instructor|transcript|passage|excerpt|"
    r"chunk|quotes?|quoted|"
    r"(?:the|this)\s+(?:text|sentence|video|clip|recording|section|paragraph|speech)|"
    r"context\s+(?:provided|given)|provided\s+(?:text|context)|"
    r"(?:as|was|were|is|are)\s+(?:mentioned|discussed|stated|said)|mentioned\s+in|"
    r"(?:this|today.s|next|last)\s+(?:lesson|lecture|episode|class|chapter)|"
    r"(?:here\s+(?:is|are)|your\s+quiz|quiz\s+question)|question\s+\d+)\b",
    re.IGNORECASE,
)
_RITUAL = re.compile(
    r"\b(?:subscribe|welcome\s+(?:back|to)|thanks?\s+(?:you\s+)?for\s+(?:watching|"
    r"listening)|see\s+you\s+(?:next|in|soon)|hit\s+the|leave\s+a\s+(?:like|comment)|"
    r"my\s+name\s+is|my\s+channel|sponsor(?:ed)?\s+(?:of|by)|patreon)\b",
    re.IGNORECASE,
)
_POINTING = english.words(
    "he she him his her hers they them their it its this these those there i me my we "
    "us our"
)
_EMPTY_SUBJECT = re.compile(
    r"\b(?:is|was|are|were)\s+(?:it|this|that|they)\s+(?:called|important|possible|"
    r"necessary|true|useful|better|that|hard|easy|wise|safe|faster|slower)|"
    r"\b(?:does|would|will)\s+it\s+(?:take|mean|happen|help|matter|make)|\bit\s+is\b|"
    r"\bthere\s+(?:is|are)\b|\b(?:is|are)\s+there\b",
    re.IGNORECASE,
)
# "Which of these is ..." points at the options.
_DEMONSTRATED = re.compile(
    r"(?<!of )\b(?:this|these|those|such)\s+(?!are\b|is\b)(\w+)", re.IGNORECASE
)
_OF_THESE = re.compile(r"\bof\s+(?:these|those|the\s+following)\b", re.IGNORECASE)
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
        yield from _lost_context(question, vocabulary)
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


def _lost_context(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    if _RECORDING.search(question.prompt):
        yield Fault(FaultCode.OUT_OF_CONTEXT, "it asks about the recording")
        return
    demonstrated = _DEMONSTRATED.search(question.prompt)
    if demonstrated and not has_words(
        question.prompt[: demonstrated.start()], demonstrated[1]
    ):
        yield Fault(
            FaultCode.OUT_OF_CONTEXT, f"nobody knows which {demonstrated[1]} is meant"
        )
        return
    prompt = _OF_THESE.sub(" ", _EMPTY_SUBJECT.sub(" ", question.prompt))
    seen = 0
    for token in vocabulary.tokens(_BLANKS.sub(" thing ", prompt)):
        if token.lower in _POINTING:
            yield Fault(
                FaultCode.OUT_OF_CONTEXT, f"nobody knows what {token.text!r} stands for"
            )
            return
        seen += token.lower not in english.FUNCTION_WORDS | english.VERB_FORMS
        if seen:
            # What follows may point to what was named.
            return


def _blank_faults(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    words = vocabulary.tokens(question.answer)
    if len(words) > MAX_BLANK_WORDS:
        yield Fault(FaultCode.FORM, f"nobody guesses more than {MAX_BLANK_WORDS} words")
    if all(_is_common(token.lower, vocabulary) for token in words):
        yield Fault(FaultCode.TRIVIAL, "the blank stands for a word of no meaning")
    if _repeats(question):
        yield Fault(FaultCode.FORM, "the answer repeats what stands behind the blank")
    around = content_roots(question.prompt, vocabulary)
    least = _MIN_OTHER_CONTENT_WORDS
    if any(token.is_number for token in words):
        least = _MIN_WORDS_AROUND_NUMBER
    if len(around) < least:
        yield Fault(FaultCode.TRIVIAL, "too little stands around the blank")
    said = content_roots(question.quote, vocabulary)
    if around and sum(r in said for r in around) < SAME_BLANK_SHARE * len(around):
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
