"""Review: what a writer proposes, sorted into what may be stored and what may not.

Here belong the one repair and the record of what was refused. Not here: the rules
(`validation`, `conflicts`), or storing.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.conflicts import Conflicts, TextEmbedder
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.questions import (
    Question,
    QuestionKind,
    QuizWishes,
)
from mentora_pipelines.domain.quizzes.validation import Validator

Repair = Callable[[Question, Sequence[Fault]], Question | None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A question that is left out, why, and what its writer made of that.

    `repaired` is None when the writer gave nothing better; `remaining` are its faults.
    """

    question: Question
    faults: tuple[Fault, ...]
    repaired: Question | None = None
    remaining: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """The questions that may be stored, and those that may not; `repaired` counts."""

    kept: tuple[Question, ...]
    refused: tuple[Refusal, ...]
    repaired: int


def review_questions(
    proposed: Sequence[Question],
    transcript: Transcript,
    *,
    asked: Sequence[Question],
    embedder: TextEmbedder,
    repair: Repair,
) -> Review:
    """Keep what passes every rule; what does not is repaired once, then left out.

    `asked` are the questions of the video's other quizzes. Of two questions that ask
    the same or contradict each other the first one stays.
    """
    validator = Validator(transcript)
    conflicts = Conflicts(validator.vocabulary, embedder)
    conflicts.read([*asked, *proposed])
    for question in asked:
        conflicts.add(question, elsewhere=True)

    def faults_of(question: Question) -> tuple[Fault, ...]:
        faults = validator.faults(question)
        if faults:
            return faults
        conflict = conflicts.fault(question)
        return () if conflict is None else (conflict,)

    kept: list[Question] = []
    refused: list[Refusal] = []
    repaired = 0
    for one in proposed:
        question = in_fixed_order(one)
        faults = faults_of(question)
        if faults:
            better = repair(question, faults)
            remaining = () if better is None else faults_of(better)
            if better is None or remaining:
                refused.append(Refusal(question, faults, better, remaining))
                continue
            question = in_fixed_order(better)
            repaired += 1
        conflicts.add(question)
        kept.append(question)
    return Review(tuple(kept), tuple(refused), repaired)


def why_nothing(review: Review, wishes: QuizWishes) -> str:
    """Why a review kept no question, as its creator reads it."""
    codes = Counter(
        fault.code
        for refusal in review.refused
        for fault in (refusal.remaining or refusal.faults)[:1]
    )
    if codes:
        why = ", ".join(f"{code} {count}" for code, count in codes.most_common())
        return f"every question that was written had a fault: {why}"
    if wishes.asked:
        return "the other quizzes of the video ask what its lesson holds"
    return "the lesson holds too little for a question"


def in_fixed_order(question: Question) -> Question:
    """The question with its options in an order that its words alone decide.

    Where a writer puts the right one, of its own or because it was told to, says
    nothing then.
    """
    if question.kind is QuestionKind.TRUE_FALSE:
        return replace(question, options=tuple(sorted(question.options, reverse=True)))
    ordered = sorted(
        question.options, key=lambda o: content_hash(f"{question.prompt}\n{o}")
    )
    return replace(question, options=tuple(ordered))
