"""Measures: how hard a question looks, what it asks of the mind, what it covers.

Here belong figures that are read off a quiz before any student has seen it. Not here:
what students made of it (`statistics`).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.questions import (
    BLANK,
    BloomLevel,
    Difficulty,
    Question,
    QuestionKind,
)
from mentora_pipelines.domain.quizzes.wording import content_roots, plain_words
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

STRETCHES = 5
"""A quiz that is spread over the lesson asks about most fifths of it."""

# Openings of Anderson and Krathwohl's tables, the highest level first. What a question
# is about may be called anything: "a way to design a bridge" is only remembered.
_OPENINGS: tuple[tuple[BloomLevel, re.Pattern[str]], ...] = tuple(
    (level, re.compile(rf"(?:{openings})\b", re.IGNORECASE))
    for level, openings in (
        (BloomLevel.CREATE, r"(?:design|propose|invent|compose|devise)\s|write\s+an?"),
        (
            BloomLevel.EVALUATE,
            (
                r"justify|judge|assess|critique|recommend|should\s|is\s+it\s+(?:wise|"
                r"better)|(?:what|which)\s+(?:\w+\s+)?(?:is|are|would\s+be)\s+(?:the\s+)?"
                r"best|what\s+should\s+\w+\s+(?:choose|prefer|use)"
            ),
        ),
        (
            BloomLevel.ANALYZE,
            (
                r"compare|contrast|distinguish|relate|analy[sz]e|in\s+contrast|"
                r"how\s+(?:do|does|did|is|are)\s[^?]*\b(?:differ|different|related?)|"
                r"what\s+(?:is|are)\s+(?:the\s+)?(?:main\s+)?(?:differences?|relation"
                r"\w*)|what\s+distinguishes|what\s+evidence"
            ),
        ),
        (
            BloomLevel.APPLY,
            (
                r"calculate|compute|solve|apply|predict|suppose|how\s+(?:much|many)\s"
                r"[^?]*\bwould|what\s+(?:would|will|could)\s"
            ),
        ),
        (
            BloomLevel.UNDERSTAND,
            (
                r"why|explain|describe|summari[sz]e|give\s+an\s+example|"
                r"how(?!\s+(?:many|much|long|old|often|far|fast|big|large|high))|"
                r"what\s+(?:usually\s+)?happens|what\s+(?:is|was|are|were)\s+the\s+"
                r"(?:main\s+)?(?:purpose|role|reason|function)|what\s+causes"
            ),
        ),
    )
)
# Where a question begins to ask: "If you double it, what happens?"
_ASKING = re.compile(r"(?:^|[.!?:,;]\s+)(?=\S)")
_KIND_POINTS = {
    QuestionKind.TRUE_FALSE: 0.0,
    QuestionKind.MULTIPLE_CHOICE: 0.5,
    QuestionKind.MULTIPLE_ANSWER: 1.5,
    QuestionKind.FILL_IN: 1.0,
    QuestionKind.SHORT_ANSWER: 1.5,
}
_RARE_ZIPF = 3.5
_OWN_WORDS_SHARE = 0.6
_MEDIUM_POINTS, _HARD_POINTS = 1.0, 2.5


def measured_bloom(prompt: str) -> BloomLevel:
    """What an English prompt asks of the mind, told by how it begins to ask.

    A statement to judge and a gap to fill are remembered.
    """
    if BLANK in prompt:
        return BloomLevel.REMEMBER
    begins = [found.end() for found in _ASKING.finditer(prompt)]
    if "?" not in prompt:
        # "Compare a root and a stem." orders; further on a statement only states.
        begins = begins[:1]
    for level, openings in _OPENINGS:
        if any(openings.match(prompt, at) for at in begins):
            return level
    return BloomLevel.REMEMBER


def measured_difficulty(question: Question, vocabulary: Vocabulary) -> Difficulty:
    """How hard a question looks: its kind, its words and its options.

    To write an answer is harder than to choose one, a prompt in other words than the
    quote's harder than a repeated sentence, and options that resemble each other or
    an answer that is a rare word add to it. What it is like for students only
    `statistics` can tell.
    """
    points = _KIND_POINTS[question.kind]
    asked = content_roots(question.prompt, vocabulary)
    said = set(content_roots(question.quote, vocabulary))
    if asked and sum(root in said for root in asked) < _OWN_WORDS_SHARE * len(asked):
        points += 1.0
    if measured_bloom(question.prompt) is not BloomLevel.REMEMBER:
        points += 0.5
    if any(vocabulary.zipf(word) < _RARE_ZIPF for word in plain_words(question.answer)):
        points += 0.5
    answer = set(content_roots(question.answer, vocabulary))
    if any(answer & set(content_roots(d, vocabulary)) for d in question.distractors):
        points += 0.5
    if points < _MEDIUM_POINTS:
        return Difficulty.EASY
    return Difficulty.MEDIUM if points < _HARD_POINTS else Difficulty.HARD


@dataclass(frozen=True, slots=True)
class QuizMeasures:
    """What a quiz is like; `spread`: the share of the lesson's fifths it asks about."""

    spread: float
    difficulties: Mapping[str, int]
    bloom_levels: Mapping[str, int]
    kinds: Mapping[str, int]


def measured(questions: Sequence[Question], transcript: Transcript) -> QuizMeasures:
    """The figures of a quiz, read off its words and times."""
    vocabulary = Vocabulary(transcript.language)
    begin = transcript.segments[0].start_s if transcript.segments else 0.0
    length = max(transcript.duration_s - begin, 1e-9)
    stretches = {
        min(STRETCHES - 1, int(STRETCHES * (q.start_s - begin) / length))
        for q in questions
    }
    return QuizMeasures(
        spread=len(stretches) / STRETCHES,
        difficulties=Counter(measured_difficulty(q, vocabulary) for q in questions),
        bloom_levels=Counter(measured_bloom(q.prompt) for q in questions),
        kinds=Counter(q.kind for q in questions),
    )
