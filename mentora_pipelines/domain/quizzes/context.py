"""Context: whether a prompt can be understood on a sheet, without the recording.

Here belong prompts that speak of the recording, or point at what nobody sees. Not here:
the rest of the wording (`sheet`).
"""

import re
from collections.abc import Iterator

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import Question
from mentora_pipelines.domain.quizzes.wording import has_words
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

_PERSONS = r"(?:speakers?|narrators?|presenters?|lecturers?|instructors?)"
_PIECES = (
    r"(?:transcripts?|passages?|excerpts?|chunks?|texts?|sentences?|videos?|clips?|"
    r"recordings?|sections?|paragraphs?|speech(?:es)?|lessons?|lectures?|episodes?|"
    r"class|chapters?|quotes?)"
)
# What is said about the recording instead of the subject.
_RECORDING = re.compile(
    rf"\baccording\s+to\s+(?:the\s+|this\s+)?(?:{_PERSONS}|{_PIECES})\b|"
    rf"\b{_PERSONS}\s+(?:says?|said|mentions?|mentioned|explains?|describes?|stated?|"
    r"states|talks?|talked|argues?|claims?|told|tells?)\b|"
    r"\b(?:this|today.s|next|last)\s+(?:lesson|lecture|episode|video|clip|recording|"
    r"transcript|excerpt|passage)\b|"
    r"\bcontext\s+(?:provided|given)\b|\bprovided\s+(?:text|context)\b|"
    r"\b(?:as|was|were|is|are)\s+(?:mentioned|discussed|stated|said)\b|"
    r"\bmentioned\s+in\b|\bquoted\b|"
    r"\bhere\s+(?:is|are)\b|\byour\s+quiz\b|\bquiz\s+question\b|\bquestion\s+\d+\b",
    re.IGNORECASE,
)
# Nouns that are a lesson's subject as well: of grammar, sound, film, biology.
_OF_RECORDINGS = re.compile(
    rf"\b({_PERSONS}|transcripts?|passages?|excerpts?|chunks?|quotes?|"
    rf"(?:the|this|today.s|next|last)\s+{_PIECES})\b",
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
_BLANKS = re.compile(r"_{2,}")


def context_faults(question: Question, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Why an English prompt says nothing to somebody who only has the sheet."""
    if _RECORDING.search(question.prompt) or _names_recording(question, vocabulary):
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


def _names_recording(question: Question, vocabulary: Vocabulary) -> bool:
    """Whether it names a recording, or its speaker, of which the quote says nothing."""
    told = {token.stem for token in vocabulary.tokens(question.quote)}
    return any(
        vocabulary.stem(found[1].split()[-1]) not in told
        for found in _OF_RECORDINGS.finditer(question.prompt)
    )
