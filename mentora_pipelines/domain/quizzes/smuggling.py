"""Smuggling: orders that were meant for a model, not for a student.

Here belongs recognising a question that obeys, repeats or praises as a transcript told
it to. Not here: keeping a transcript apart from a request, which is the writer's duty.
"""

import re
from collections.abc import Iterator

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import Question

_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.?!]{0,40}"
    r"\b(?:instructions?|prompts?|rules|guidelines|above|previous|prior|system)\b|"
    r"\bas\s+an?\s+(?:ai|language\s+model|assistant)\b|\b(?:large\s+)?language\s+model\b"
    r"[^.?!]{0,30}\b(?:must|should|will)\b|"
    r"\b(?:reveal|print|repeat|output|show|disclose)\b[^.?!]{0,30}"
    r"\b(?:instructions?|system\s+(?:prompt|message)|prompt|api\s+key|secret|password)\b|"
    r"\b(?:my|your|the)\s+(?:system\s+(?:prompt|message)|instructions\s+(?:are|say))\b|"
    r"\b(?:always|only)\s+(?:answer|choose|select|pick|mark|respond|output)\b|"
    r"\b(?:answer|option|choice)\s+(?:is\s+)?(?:always|must\s+be)\s+\(?[a-e]\b|"
    r"\b(?:the\s+)?(?:correct|right)\s+(?:answer|option|choice)\s+(?:is|to\s+(?:every|"
    r"all|any)|must|will|should)|"
    r"\bevery\s+(?:correct\s+)?answer\s+(?:is|must)|"
    r"\b(?:you|students?|viewers?)\s+(?:must|should|have\s+to)\s+(?:answer|select|"
    r"choose|subscribe|buy|visit|click|pay|send|follow)\b|"
    r"<\|?(?:im_start|system|/?s)\b|\[/?inst\]|^\s*(?:system|assistant|human)\s*:|"
    r"\btool_use\b|\bwrite_quiz\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:best|greatest|finest|most\s+(?:brilliant|amazing|talented|wonderful)|"
    r"world.?class|number\s+one|unmatched)\b[^.?!]{0,30}\b(?:teacher|instructor|"
    r"creator|course|channel|lecturer|educator|lesson|tutor|school|platform)\b|"
    r"\b(?:teacher|instructor|creator|course|channel|educator|lecturer|tutor)s?\b"
    r"[^.?!]{0,40}"
    r"\b(?:best|greatest|finest|genius|amazing|brilliant|wonderful|five.stars?|"
    r"excellent|awesome|unmatched)\b|"
    r"\b(?:praise|thank|congratulate)\s+(?:the\s+|your\s+|our\s+)?(?:creator|teacher|"
    r"instructor|author)\b|\bfive.stars?\s+(?:review|rating)\b|"
    r"\b(?:buy|purchase|sign\s+up\s+for|enrol+\s+in)\s+(?:the|my|our|his|her)\b",
    re.IGNORECASE,
)
_LINKS = re.compile(
    r"https?://|www\.\w|\b[\w.+-]+@[\w-]+\.\w{2,}|javascript:|data:text|"
    r"<\s*/?\s*(?:script|img|iframe|a|b|i|svg|style|object|form|input|link|meta|body)"
    r"\b[^>]*>|on(?:error|click|load)\s*=",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(
    "[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


def smuggled_faults(question: Question) -> Iterator[Fault]:
    """Why the question serves somebody else than the student."""
    shown = (question.prompt, *question.options, *question.answers)
    # Also in the quote: what such an order says is no subject of the lesson.
    if any(_ORDERS.search(text) for text in (*shown, question.quote)):
        yield Fault(FaultCode.INSTRUCTION, "it holds an order to a model or a student")
    if any(_PRAISE.search(text) for text in (*shown, question.quote)):
        yield Fault(FaultCode.INSTRUCTION, "it praises or advertises")
    if any(_LINKS.search(text) for text in shown):
        yield Fault(FaultCode.INSTRUCTION, "it holds a link or markup")
    if any(_INVISIBLE.search(text) for text in shown):
        yield Fault(FaultCode.INSTRUCTION, "it holds characters that nobody sees")
