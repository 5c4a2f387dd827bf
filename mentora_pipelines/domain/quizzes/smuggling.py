"""Smuggling: orders that were meant for a model, not for a student.

Here belongs recognising a question that obeys, repeats or praises as a transcript told
it to. Not here: keeping a transcript apart from a request, which is the writer's duty.

An order is told by its target, not by its verb: lessons on programming repeat
instructions, lessons on money say what you must pay.
"""

import re
from collections.abc import Iterator

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import Question

# A letter that names an option: "A", or "a" where no noun follows.
_LETTER = r"[\"'(]?(?:(?-i:[A-E])\b|[a-e](?=[.!?,;\"')]|\s*$))"
_ORDERED = r"(?:instructions?|prompts?|rules|guidelines|messages?|orders)"
_MODEL = r"(?:ai|(?:large\s+)?language\s+model)"
_PRAISING = r"(?:prais(?:e|ing)|thank(?:ing)?|congratulat(?:e|ing)|recommend(?:ing)?)"
_TEACHER = r"(?:teacher|instructor|creator|lecturer|educator|tutor|author|professor)"
_OFFER = r"(?:course|masterclass|bootcamp|membership|channel|platform|e-?book|merch)"
_SUPERLATIVE = (
    r"(?:best|greatest|finest|most\s+(?:brilliant|amazing|talented|wonderful)|"
    r"world.?class|number\s+one|genius|amazing|brilliant|wonderful|five.stars?|"
    r"excellent|awesome|unmatched)"
)


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_ORDERS = _any_of(
    # Away with what a model was told.
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.?!]{0,30}"
    rf"\b(?:previous|prior|above|earlier|preceding|system|your)\s+(?:\w+\s+)?{_ORDERED}",
    rf"\b(?:ignore|disregard|forget)\b[^.?!]{{0,20}}\b(?:{_ORDERED}|everything|all)\s+"
    r"(?:above|before|so\s+far)\b",
    r"(?:^|[.!?:;]\s+|\b(?:please|now)\s+)(?:ignore|disregard|forget|override|bypass)"
    rf"\s+(?:all|any|the|every)\s+(?:\w+\s+){{0,2}}{_ORDERED}",
    rf"\b(?:previous|prior|above|system)\s+{_ORDERED}\b[^.?!]{{0,20}}"
    r"\b(?:ignored|disregarded|forgotten|overridden)\b",
    # Out with it.
    r"\b(?:reveal|print|repeat|output|show|disclose)\b[^.?!]{0,30}\b(?:(?:your|my|"
    rf"previous|prior|above|system|hidden)\s+(?:\w+\s+)?{_ORDERED}|"
    r"your\s+(?:api\s+key|secrets?))\b",
    r"\b(?:my|your)\s+(?:system\s+(?:prompt|message)|instructions\s+(?:are|say))\b",
    r"\bwhat\s+are\s+your\s+instructions\b|\b(?:your|the)\s+system\s+prompt\s*$",
    # What a model is, and what it must.
    rf"\bas\s+an?\s+(?:ai\s+)?{_MODEL}(?:\s+(?:model|assistant))?\s*,?\s+(?:you|i)\b",
    rf"\b{_MODEL}\b[^.?!]{{0,30}}\b(?:must|should|will)\s+(?:answer|write|praise|say|"
    r"ignore|obey|mark|choose)\b",
    # Which option is right, whatever is asked.
    r"\b(?:always|only|just)\s+(?:answer|choose|select|pick|mark|respond|output)\s+"
    r"(?:with\s+|the\s+)?(?:(?:answer|option|choice|letter)\s+)?"
    rf"(?:{_LETTER}|(?:true|false|yes|no)\b)",
    r"(?:^|[.!?:;]\s+)(?:always|only)\s+(?:answer|choose|select|pick|mark)\s+"
    r"(?:the\s+)?(?:\w+\s+)?(?:answer|option|choice)\b",
    rf"\b(?:answer|option|choice)\s+(?:is\s+)?(?:always|must\s+be)\s+{_LETTER}",
    r"\b(?:correct|right)\s+(?:answer|option|choice)\s+(?:"
    rf"(?:is\s+)?(?:always\s+|only\s+)?{_LETTER}|is\s+always|(?:is\s+)?(?:to|for|in)\s+"
    r"(?:every|all|any|each)\s+questions?|must\b)",
    r"\bwhich\s+(?:answer|option|choice)\s+is\s+always\s+(?:right|correct|true)\b",
    r"\b(?:every|each|all)\s+(?:correct\s+|right\s+)?(?:answers?|questions?)\s+(?:must|"
    r"should|shall|has\s+to|is)\s+"
    rf"(?:{_LETTER}|praise|mention|name|recommend|say|thank|advertise|be\s+{_LETTER})",
    # What a student is to do for the one who speaks.
    r"\b(?:you|students?|viewers?)\s+(?:must|should|have\s+to)\s+(?:(?:answer|select|"
    rf"choose)\s+(?:with\s+)?(?:(?:answer|option|choice)\s+)?{_LETTER}|"
    r"subscribe(?!\s+to\s+(?:an?|the|every|each|its)\b)|"
    r"(?:buy|visit|click|pay|send|follow)\s+(?:\w+\s+){0,3}"
    r"(?:me|us|links?|website|channel|shop|course)\b)",
    # Marks of the requests themselves.
    r"<\|?(?:im_start|system|/?s)\b|\[/?inst\]|^\s*(?:system|assistant|human)\s*:",
    r"\btool_use\b|\bwrite_quiz\b",
)
_PRAISE = _any_of(
    rf"\b{_SUPERLATIVE}\s+(?:[\w-]+\s+){{0,3}}{_TEACHER}s?\b",
    rf"\b{_TEACHER}\s+(?:is|are|was)\s+(?:[\w-]+\s+){{0,3}}{_SUPERLATIVE}\b",
    rf"\b(?:this|my|our|his|her)\s+(?:[\w-]+\s+){{0,2}}{_SUPERLATIVE}\s+{_OFFER}\b",
    rf"\b(?:this|my|our|his|her)\s+(?:[\w-]+\s+){{0,2}}{_OFFER}\b[^.?!]{{0,20}}"
    rf"\b{_SUPERLATIVE}\b",
    rf"\b{_SUPERLATIVE}\s+(?:[\w-]+\s+){{0,2}}{_OFFER}\s+(?:ever|anywhere|in\s+the\s+|"
    r"on\s+the\s+|for\s+you|you\b|money)",
    r"\b(?:must|should|shall|please|always|poem)\b[^.?!]{0,20}"
    rf"\b{_PRAISING}\s+(?:the|your|our|my)\s+(?:[\w-]+\s+)?{_TEACHER}\b",
    r"\bfive.stars?\s+(?:review|rating)\b",
    r"\b(?:buy|purchase|sign\s+up\s+for|enrol+\s+in|join)\s+(?:my|our|his|her|this)\s+"
    rf"(?:[\w-]+\s+){{0,3}}(?:{_OFFER}|book|programme|coaching)s?\b",
    r"\b(?:buy|purchase|sign\s+up\s+for|enrol+\s+in)\s+the\s+(?:[\w-]+\s+){0,2}"
    r"(?:course|masterclass|bootcamp|membership)\b",
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
