"""Questions that stand on the words of the lesson.

Here belong the shape of a question, the port of the writer and the rules a question
must pass. Not here: when a quiz is due (`quizzes`), or how a writer finds questions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.lessons.vocabulary import Vocabulary

BLANK = "_____"
"""Stands in the prompt of a fill-in question for the answer."""

MIN_OPTIONS = 3
"""With two options a guess is right every other time."""

GIVEAWAY_RATIO = 2.0
"""An answer this much longer than every distractor is found without the lesson."""

_GIVEAWAY_CHARACTERS = 15
_BLANKS = re.compile(r"_{2,}")


class QuestionKind(StrEnum):
    """The forms a question can take."""

    MULTIPLE_CHOICE = "multiple_choice"
    FILL_IN = "fill_in"


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its evidence; times in seconds from the video's start.

    `quote` stands word for word in the transcript between `start_s` and `end_s`
    and supports `answer`. `options` holds the answer and the distractors of a
    multiple-choice question and is empty for a fill-in one.
    """

    kind: QuestionKind
    prompt: str
    options: tuple[str, ...]
    answer: str
    quote: str
    chunk_index: int
    start_s: float
    end_s: float


@runtime_checkable
class QuizWriter(Protocol):
    """Proposes questions about a lesson."""

    @property
    def fingerprint(self) -> str:
        """Names the model or method, its version and its settings."""
        ...

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], question_count: int
    ) -> list[Question]:
        """At most `question_count` questions, in the order of the lesson."""
        ...


def accepted(
    questions: Sequence[Question], transcript: Transcript
) -> tuple[list[Question], list[tuple[Question, str]]]:
    """The questions that may be stored, and those that may not with the reason.

    Beyond `refusal`, a quiz asks nothing twice: of two questions with the same
    prompt, or with the same answer from the same quote, the first one stays.
    """
    kept: list[Question] = []
    refused: list[tuple[Question, str]] = []
    prompts: set[str] = set()
    points: set[tuple[str, str]] = set()
    for question in questions:
        prompt = _normal(question.prompt)
        point = (_normal(question.quote), _normal(question.answer))
        reason = refusal(question, transcript)
        if reason is None and (prompt in prompts or point in points):
            reason = "the quiz asks this already"
        if reason is not None:
            refused.append((question, reason))
            continue
        kept.append(question)
        prompts.add(prompt)
        points.add(point)
    return kept, refused


def refusal(question: Question, transcript: Transcript) -> str | None:
    """Why `question` must not be stored, or None when it may."""
    if not (question.prompt.strip() and question.answer.strip()):
        return "the prompt or the answer is empty"
    if not _stands_in(question, transcript):
        return "the quote does not stand in the transcript at the times given"
    if not _supports(question, transcript.language):
        return "the quote does not support the answer"
    if _has_words(question.prompt, question.answer):
        return "the prompt contains the answer"
    if question.kind is QuestionKind.FILL_IN:
        return _fill_in_refusal(question)
    return _options_refusal(question)


def _fill_in_refusal(question: Question) -> str | None:
    if question.options:
        return "a fill-in question has no options"
    if _BLANKS.findall(question.prompt) != [BLANK]:
        return f"the prompt needs exactly one blank, written {BLANK}"
    return None


def _options_refusal(question: Question) -> str | None:
    if len(question.options) < MIN_OPTIONS:
        return f"there are fewer than {MIN_OPTIONS} options"
    if len({_normal(option) for option in question.options}) < len(question.options):
        return "two options are the same"
    if "" in {_normal(option) for option in question.options}:
        return "an option is empty"
    if question.answer not in question.options:
        return "the answer is not among the options"
    longest = max(len(o) for o in question.options if o != question.answer)
    excess = len(question.answer) - longest
    if len(question.answer) > GIVEAWAY_RATIO * longest and (
        excess > _GIVEAWAY_CHARACTERS
    ):
        return "the length of the answer gives it away"
    return None


def _stands_in(question: Question, transcript: Transcript) -> bool:
    """Whether the quote is said while the question's times run.

    Times that only touch do not count, so that a quote from the sentence before
    is refused although that sentence ends where the question's time begins.
    """
    quote = _normal(question.quote)
    heard = " ".join(
        segment.text
        for segment in transcript.segments
        if (segment.start_s < question.end_s and segment.end_s > question.start_s)
        or (question.start_s <= segment.start_s <= segment.end_s <= question.end_s)
    )
    return bool(quote) and question.start_s < question.end_s and quote in _normal(heard)


def _supports(question: Question, language: str) -> bool:
    """Whether the answer's words come from the quote.

    The word for a blank must stand there literally. An option may say it in other
    words, but half of its content words must share a root with the quote's.
    """
    if _has_words(question.quote, question.answer):
        return True
    if question.kind is QuestionKind.FILL_IN:
        return False
    vocabulary = Vocabulary(language)
    said = {vocabulary.root(token.text) for token in vocabulary.tokens(question.quote)}
    content = [
        vocabulary.root(token.text)
        for token in vocabulary.tokens(question.answer)
        if not vocabulary.is_stop_word(token.text)
    ]
    return bool(content) and 2 * sum(root in said for root in content) >= len(content)


def _has_words(text: str, words: str) -> bool:
    """Whether `words` stand in `text` as whole words, in any case."""
    pattern = rf"(?<!\w){re.escape(_normal(words))}(?!\w)"
    return re.search(pattern, _normal(text)) is not None


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())
