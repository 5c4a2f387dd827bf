"""Material: what a lesson offers to ask with, and a question made of it.

Here belong the shape of a candidate and its place in the lesson. Not here: what is
asked (`gap_questions`, `meanings`, `relations`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mentora_pipelines.adapters.extractive_quiz.distractors import Distractors
from mentora_pipelines.adapters.extractive_quiz.statements import Statement
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.quizzes.measures import (
    measured_bloom,
    measured_difficulty,
)
from mentora_pipelines.domain.quizzes.questions import (
    FALSE,
    TRUE,
    Question,
    QuestionKind,
)
from mentora_pipelines.domain.terms.key_terms import KeyTerm
from mentora_pipelines.domain.terms.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question, the point that it is about, and how good it is."""

    question: Question
    point: str
    score: float


@dataclass(frozen=True, slots=True)
class Material:
    """What a lesson offers to ask with."""

    statements: Sequence[Statement]
    terms: Sequence[KeyTerm]
    distractors: Distractors
    chunks: Sequence[Chunk]
    vocabulary: Vocabulary
    shown: Counter[str] = field(default_factory=Counter)
    """How often each meaning stands among wrong options already."""

    @property
    def names(self) -> frozenset[str]:
        """Words that keep their capital inside a sentence."""
        return frozenset(
            word for term in self.terms if term.is_name for word in term.text.split()
        )


def candidate(
    statement: Statement,
    material: Material,
    kind: QuestionKind,
    prompt: str,
    answer: str,
    *,
    score: float,
    options: Sequence[str] = (),
    further: Sequence[str] = (),
) -> Candidate:
    """A question about a sentence of the lesson, measured."""
    segment = statement.segment
    if kind is QuestionKind.TRUE_FALSE:
        options = (TRUE, FALSE)
    question = Question(
        kind=kind,
        prompt=prompt,
        options=tuple(options),
        answer=answer,
        quote=segment.text,
        chunk_index=_chunk_at(segment.start_s, material.chunks).index,
        start_s=segment.start_s,
        end_s=segment.end_s,
        further_answers=tuple(further),
    )
    question = replace(
        question,
        difficulty=measured_difficulty(question, material.vocabulary),
        bloom_level=measured_bloom(prompt),
    )
    subject = answer if answer not in {TRUE, FALSE} else prompt
    return Candidate(question, material.vocabulary.normal_form(subject), score)


def capitalised(term: str) -> str:
    """The term as an option, or as an answer that begins a line."""
    return term[:1].upper() + term[1:]


def _chunk_at(time_s: float, chunks: Sequence[Chunk]) -> Chunk:
    """The first chunk that covers `time_s`, else the one that begins nearest to it."""
    for chunk in chunks:
        if chunk.start_s <= time_s < chunk.end_s:
            return chunk
    return min(chunks, key=lambda chunk: abs(chunk.start_s - time_s))
