"""Questions that stand on the words of the lesson, and the port of their writer.

Here belong the shape of a question and what may be asked of a writer. Not here: what
makes a question good (`validation`), or what becomes of a quiz (`quizzes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.spending.usage import PlannedCall

BLANK = "_____"
"""Stands in the prompt of a fill-in question for the answer."""

TRUE, FALSE = "True", "False"
"""The options of a true-or-false question, whatever the language of the lesson: who
shows it translates them."""


class QuestionKind(StrEnum):
    """The forms a question can take."""

    MULTIPLE_CHOICE = "multiple_choice"
    MULTIPLE_ANSWER = "multiple_answer"
    TRUE_FALSE = "true_false"
    FILL_IN = "fill_in"
    SHORT_ANSWER = "short_answer"

    @property
    def has_options(self) -> bool:
        """Whether a student chooses instead of writing."""
        return self not in {QuestionKind.FILL_IN, QuestionKind.SHORT_ANSWER}


class Difficulty(StrEnum):
    """How hard a question is meant to be for somebody who has seen the lesson."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class BloomLevel(StrEnum):
    """What a question asks of the mind (Anderson and Krathwohl 2001), easiest first."""

    REMEMBER = "remember"
    UNDERSTAND = "understand"
    APPLY = "apply"
    ANALYZE = "analyze"
    EVALUATE = "evaluate"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its evidence; times in seconds from the video's start.

    `quote` stands word for word in the transcript between `start_s` and `end_s`
    and supports the answers. `options` holds everything that can be chosen, and
    nothing where the student writes. `further_answers` are the other right options of
    a multiple-answer question, or other accepted spellings of a written answer.
    `difficulty` and `bloom_level` are what the writer says of it; see `measures`.
    """

    kind: QuestionKind
    prompt: str
    options: tuple[str, ...]
    answer: str
    quote: str
    chunk_index: int
    start_s: float
    end_s: float
    further_answers: tuple[str, ...] = ()
    difficulty: Difficulty = Difficulty.MEDIUM
    bloom_level: BloomLevel = BloomLevel.REMEMBER

    @property
    def answers(self) -> tuple[str, ...]:
        """Everything that is right."""
        return (self.answer, *self.further_answers)

    @property
    def distractors(self) -> tuple[str, ...]:
        """The wrong options, in their order."""
        return tuple(option for option in self.options if option not in self.answers)

    def as_plain(self) -> dict[str, object]:
        """The question with its evidence, as programs are told of it."""
        return {
            "kind": self.kind,
            "prompt": self.prompt,
            "options": list(self.options),
            "answer": self.answer,
            "answers": list(self.answers),
            "difficulty": self.difficulty,
            "bloom_level": self.bloom_level,
            "quote": self.quote,
            "start_s": self.start_s,
            "end_s": self.end_s,
        }


@dataclass(frozen=True, slots=True)
class QuizWishes:
    """What a quiz is to be like; None leaves it to the writer.

    `edition` counts from 0: a later one asks for other questions about the same words.
    `asked` is what other quizzes of the video ask already, discarded ones too;
    `settled` those of them that somebody has approved.
    """

    question_count: int
    difficulty: Difficulty | None = None
    bloom_level: BloomLevel | None = None
    edition: int = 0
    asked: tuple[Question, ...] = ()
    settled: tuple[Question, ...] = ()

    @property
    def key(self) -> str:
        """Names the wishes beyond the count; empty when there are none."""
        named = {
            "difficulty": self.difficulty,
            "bloom": self.bloom_level,
            "edition": self.edition or None,
        }
        return " ".join(f"{name}={wish}" for name, wish in named.items() if wish)

    @classmethod
    def of_key(cls, question_count: int, key: str) -> "QuizWishes":
        """The wishes that `key` names."""
        named = dict(wish.split("=", 1) for wish in key.split())
        difficulty, bloom_level = named.get("difficulty"), named.get("bloom")
        return cls(
            question_count,
            Difficulty(difficulty) if difficulty else None,
            BloomLevel(bloom_level) if bloom_level else None,
            int(named.get("edition", 0)),
        )


@runtime_checkable
class QuizWriter(Protocol):
    """Proposes questions about a lesson."""

    @property
    def fingerprint(self) -> str:
        """Names the model or method, its version and its settings."""
        ...

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """At most `wishes.question_count` questions, in the order of the lesson."""
        ...

    def repair(
        self,
        transcript: Transcript,
        chunks: Sequence[Chunk],
        question: Question,
        faults: Sequence[Fault],
    ) -> Question | None:
        """The question without its faults, or None; asked once for each question."""
        ...


@runtime_checkable
class PlansQuiz(Protocol):
    """A writer that can say what a quiz about this lesson takes at most."""

    def plan(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> Sequence[PlannedCall]:
        """Its requests with the most tokens that each can use up."""
        ...
