"""Conflicts: questions of one quiz that repeat, contradict or answer each other.

Here belongs the comparison of two questions, by their words and by their vectors. Not
here: what one shows of the other (`clues`), or is wrong with one alone (`validation`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mentora_pipelines.domain.quizzes.clues import gives_away, share_options
from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import (
    BLANK,
    FALSE,
    Question,
    QuestionKind,
)
from mentora_pipelines.domain.quizzes.wording import (
    content_roots,
    flips_between,
    has_words,
    negations_in,
    normal,
    numbers_in,
)
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAME_POINT = 0.84
"""Cosine from which two questions with the same answer ask the same. With
all-MiniLM-L6-v2 eight paraphrased pairs had 0.85 to 0.94; pairs about neighbouring
points reach 0.99, so that the answers and the opposites decide as well."""

SAME_PROMPT = 0.95
"""Cosine from which two prompts ask the same, so that their answers must agree."""


class TextEmbedder(Protocol):
    """Turns texts into unit vectors; `SAME_POINT` and `SAME_PROMPT` are its own."""

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One vector per text, in order."""
        ...


@dataclass(slots=True)
class _Known:
    question: Question
    told: str
    point: "NDArray[np.float32]"
    prompt: "NDArray[np.float32]"
    elsewhere: bool


@dataclass(slots=True)
class Conflicts:
    """The questions that a new one must not repeat or contradict."""

    vocabulary: Vocabulary
    embedder: TextEmbedder
    _known: list[_Known] = field(default_factory=list)
    _vectors: dict[str, "NDArray[np.float32]"] = field(default_factory=dict)

    def read(self, questions: Sequence[Question]) -> None:
        """Have the vectors of these questions made, all at once."""
        texts = {text for q in questions for text in (proposition(q), q.prompt)}
        missing = sorted(texts - self._vectors.keys())
        if missing:
            vectors = self.embedder.embed(missing)
            self._vectors.update(zip(missing, vectors, strict=True))

    def add(self, question: Question, *, elsewhere: bool = False) -> None:
        """Remember a question; `elsewhere` is another quiz, which may be wrong."""
        self._known.append(self._as_known(question, elsewhere=elsewhere))

    def fault(self, question: Question) -> Fault | None:
        """What the question does to those that were added, or None."""
        new = self._as_known(question, elsewhere=False)
        for old in self._known:
            if self._is_twin(new, old):
                place = "another quiz of the video" if old.elsewhere else "the quiz"
                return Fault(FaultCode.DUPLICATE, f"{place} asks this already")
            if old.elsewhere:
                continue
            if self._contradict(new, old):
                return Fault(FaultCode.CONTRADICTION, "it contradicts another question")
            if clue := self._clue(new.question, old.question):
                return Fault(FaultCode.GIVEN_AWAY, clue)
        return None

    def _clue(self, new: Question, old: Question) -> str | None:
        if gives_away(old, new, self.vocabulary):
            return "another question shows its answer"
        if gives_away(new, old, self.vocabulary):
            return "it shows the answer of another question"
        if share_options(old, new):
            return "another question has the same options"
        return None

    def _as_known(self, question: Question, *, elsewhere: bool) -> _Known:
        self.read([question])
        told = proposition(question)
        return _Known(
            question,
            told,
            self._vectors[told],
            self._vectors[question.prompt],
            elsewhere,
        )

    def _is_twin(self, new: _Known, old: _Known) -> bool:
        some, others = new.question, old.question
        same_answer = {normal(a) for a in some.answers} == {
            normal(a) for a in others.answers
        }
        if normal(new.told) == normal(old.told):
            return FALSE not in {some.answer, others.answer} or same_answer
        stated = QuestionKind.TRUE_FALSE in {some.kind, others.kind}
        if not stated and same_answer and normal(some.quote) == normal(others.quote):
            return True
        return (
            float(new.point @ old.point) >= SAME_POINT
            and self._answers_agree(some, others)
            and self._says_the_same(new.told, old.told)
            and (FALSE not in {some.answer, others.answer} or same_answer)
        )

    def _answers_agree(self, some: Question, others: Question) -> bool:
        """Whether the answer of one is contained in what the other says."""
        return any(
            set(content_roots(" ".join(one.answers), self.vocabulary))
            <= set(content_roots(proposition(other), self.vocabulary))
            for one, other in ((some, others), (others, some))
            if one.kind is not QuestionKind.TRUE_FALSE
        ) or (some.kind is others.kind is QuestionKind.TRUE_FALSE)

    def _says_the_same(self, one: str, other: str) -> bool:
        return (
            flips_between(one, other) == 0
            and negations_in(one) == negations_in(other)
            and numbers_in(one, self.vocabulary) == numbers_in(other, self.vocabulary)
        )

    def _contradict(self, new: _Known, old: _Known) -> bool:
        some, others = new.question, old.question
        alike = float(new.prompt @ old.prompt) >= SAME_PROMPT
        same_words = normal(some.prompt) == normal(others.prompt)
        if some.kind is others.kind is QuestionKind.TRUE_FALSE:
            if not (alike or same_words):
                return False
            flips = flips_between(some.prompt, others.prompt) + abs(
                negations_in(some.prompt) - negations_in(others.prompt)
            )
            # An odd number of reversals makes one the opposite of the other.
            return (flips % 2 == 1) == (some.answer == others.answer)
        if QuestionKind.TRUE_FALSE in {some.kind, others.kind}:
            return False
        if not (
            same_words or (alike and self._says_the_same(some.prompt, others.prompt))
        ):
            return False
        return not any(
            has_words(one, other) or has_words(other, one)
            for one in some.answers
            for other in others.answers
        )


def proposition(question: Question) -> str:
    """What a question and its answer say together."""
    if question.kind is QuestionKind.TRUE_FALSE:
        return question.prompt
    if BLANK in question.prompt:
        return question.prompt.replace(BLANK, question.answer)
    return f"{question.prompt} {', '.join(question.answers)}"
