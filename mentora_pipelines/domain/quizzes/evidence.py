"""Evidence: whether the quote is said, and whether it makes the answer right.

Here belong the rules that look at the transcript. Not here: true-or-false statements
(`claims`), wrong options (`rivals`), rules about the options among themselves
(`options`) or about the wording alone (`sheet`).
"""

from collections.abc import Iterator

from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.claims import Sentence, claim_faults
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import FALSE, Question, QuestionKind
from mentora_pipelines.domain.quizzes.rivals import Rivals
from mentora_pipelines.domain.quizzes.roles import role_faults
from mentora_pipelines.domain.quizzes.wording import (
    content_roots,
    has_words,
    negations_in,
    numbers_in,
    opposite_in,
)
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.vocabulary import Vocabulary, sentences_of

MIN_QUOTE_WORDS = 4
"""Fewer words say nothing that could be asked about."""

_LESSON_SHARE = 0.3
"""A question may set a scene in words of its own; with fewer of the lesson's it is
about something else."""

_LEANING = english.words("it its this that these those they them their he she")


class Evidence:
    """What a lesson says, asked about questions."""

    def __init__(self, transcript: Transcript, vocabulary: Vocabulary) -> None:
        self._transcript = transcript
        self._vocabulary = vocabulary
        self._roots = set(content_roots(transcript.text, vocabulary))
        sentences = sentences_of(transcript.text)
        self._sentences = [
            Sentence(text, tuple(content_roots(text, vocabulary))) for text in sentences
        ]
        self._rivals = Rivals(sentences, self._roots, vocabulary)
        self._numbers = numbers_in(transcript.text, vocabulary)
        self._words = {
            token.lower
            for segment in transcript.segments
            for token in vocabulary.tokens(segment.text)
        }

    def faults(self, question: Question) -> Iterator[Fault]:
        """Why the transcript does not carry the question."""
        if not self._is_said(question):
            yield Fault(
                FaultCode.NOT_QUOTED,
                "the quote does not stand in the transcript at the times given",
            )
            return
        if len(question.quote.split()) < MIN_QUOTE_WORDS:
            yield Fault(FaultCode.NOT_QUOTED, "the quote is too short to prove a thing")
            return
        yield from self._strangers(question)
        if question.kind is QuestionKind.TRUE_FALSE:
            yield from claim_faults(
                question, self._sentences, self._roots, self._vocabulary
            )
        else:
            yield from self._answer_faults(question)

    def _is_said(self, question: Question) -> bool:
        """Whether the quote is said while the question's times run.

        Times that only touch do not count, so that a quote from the sentence before
        is refused although that sentence ends where the question's time begins.
        """
        heard = " ".join(
            segment.text
            for segment in self._transcript.segments
            if (segment.start_s < question.end_s and segment.end_s > question.start_s)
            or (question.start_s <= segment.start_s <= segment.end_s <= question.end_s)
        )
        # Whole words: a piece of one at either end is no quotation.
        return question.start_s < question.end_s and has_words(heard, question.quote)

    def _strangers(self, question: Question) -> Iterator[Fault]:
        """Names, numbers and subjects that the lesson never mentions."""
        answers = " ".join(question.answers)
        roots = [
            root
            for root in content_roots(question.prompt, self._vocabulary)
            if root not in english.GENERAL_WORDS
        ]
        known = sum(root in self._roots for root in roots)
        if roots and known < _LESSON_SHARE * len(roots) and len(roots) - known > 1:
            yield Fault(
                FaultCode.NOT_IN_LESSON, "most words of the prompt are not the lesson's"
            )
        if question.answer == FALSE:
            # A false statement may name what nobody said.
            return
        # "Which two colours" only counts what the lesson lists.
        asked = numbers_in(question.prompt, self._vocabulary)
        asked = {number for number in asked if number.isdigit() and len(number) > 1}
        answered = numbers_in(answers, self._vocabulary)
        unknown = sorted((asked | answered) - self._numbers)
        unknown += self._unknown_names(f"{question.prompt} {answers}")
        if unknown:
            yield Fault(
                FaultCode.NOT_IN_LESSON, f"the lesson never says {unknown[0]!r}"
            )

    def _unknown_names(self, said: str) -> list[str]:
        if self._vocabulary.language == "de":
            return []  # every noun has a capital there
        return [
            token.text
            for token in self._vocabulary.tokens(said)
            if token.is_capitalised
            and not token.after_break
            and len(token.text) > 1
            and token.lower not in self._words
            and self._vocabulary.root(token.stem) not in self._roots
            and not self._vocabulary.is_stop_word(token.lower)
        ]

    def _answer_faults(self, question: Question) -> Iterator[Fault]:
        if not all(self._supports(question, answer) for answer in question.answers):
            yield Fault(FaultCode.UNSUPPORTED, "the quote does not support the answer")
            return
        asked = set(content_roots(question.prompt, self._vocabulary))
        if asked.isdisjoint(content_roots(self._context(question), self._vocabulary)):
            yield Fault(
                FaultCode.UNSUPPORTED, "the quote is not about what the prompt asks"
            )
        if self._vocabulary.is_english:
            yield from _denials(question)
            yield from role_faults(
                question, self._context(question), self._roots, self._vocabulary
            )
        yield from self._rivals.faults(question)

    def _context(self, question: Question) -> str:
        """The quote, and the sentence before it where it leans on that one."""
        words = {token.lower for token in self._vocabulary.tokens(question.quote)}
        if words.isdisjoint(_LEANING):
            return question.quote
        before = [
            segment.text
            for segment in self._transcript.segments
            if segment.end_s <= question.start_s
        ]
        return " ".join([*before[-1:], question.quote])

    def _supports(self, question: Question, answer: str) -> bool:
        """Whether the answer's words come from the quote.

        The word for a blank must stand there literally, one spelling of it at least.
        An option may say it in other words, but half of its content words must share a
        root with the quote's, and all of its numbers must be there.
        """
        if has_words(question.quote, answer.rstrip(".")):
            return True
        if question.kind is QuestionKind.FILL_IN:
            # A further spelling ("CO2") need not be spoken.
            return answer != question.answer
        vocabulary = self._vocabulary
        said = set(content_roots(question.quote, vocabulary))
        roots = content_roots(answer, vocabulary)
        if not roots or 2 * sum(root in said for root in roots) < len(roots):
            return False
        if numbers_in(answer, vocabulary) - numbers_in(question.quote, vocabulary):
            return False
        return not vocabulary.is_english or (
            opposite_in(answer, question.quote) is None
            and not (negations_in(answer) and not negations_in(question.quote))
        )


def _denials(question: Question) -> Iterator[Fault]:
    if negations_in(question.prompt) and not negations_in(question.quote):
        yield Fault(FaultCode.UNSUPPORTED, "the prompt denies what the quote says")
    opposite = opposite_in(question.prompt, question.quote)
    if opposite:
        yield Fault(
            FaultCode.UNSUPPORTED, f"the quote says the opposite of {opposite!r}"
        )
