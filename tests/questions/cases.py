"""Cases: a question about a lesson, and the fault that it has, if it has one."""

from dataclasses import dataclass

from mentora_pipelines.domain.quizzes.questions import (
    FALSE,
    TRUE,
    Question,
    QuestionKind,
)
from tests.questions.lessons import LESSONS

CHOICE = QuestionKind.MULTIPLE_CHOICE
SEVERAL = QuestionKind.MULTIPLE_ANSWER
STATED = QuestionKind.TRUE_FALSE
FILL_IN = QuestionKind.FILL_IN
SHORT = QuestionKind.SHORT_ANSWER

BOTH = f"{TRUE}|{FALSE}"


@dataclass(frozen=True, slots=True)
class Case:
    """A question about a lesson; `fault` is the code it is refused for, if it is."""

    lesson: str
    question: Question
    fault: str = ""

    @property
    def name(self) -> str:
        """How a test run shows it."""
        return f"{self.lesson}: {self.question.prompt[:60]}"


def ask(
    lesson: str,
    kind: QuestionKind,
    prompt: str,
    answer: str | tuple[str, ...],
    options: str = "",
    *,
    line: int,
    fault: str = "",
    quote: str | None = None,
) -> Case:
    """A question on one line (from 1) of a lesson, its options parted by `|`."""
    segment = LESSONS[lesson].segments[line - 1]
    answers = (answer,) if isinstance(answer, str) else answer
    question = Question(
        kind=kind,
        prompt=prompt,
        options=tuple(options.split("|")) if options else (),
        answer=answers[0],
        quote=segment.text if quote is None else quote,
        chunk_index=0,
        start_s=segment.start_s,
        end_s=segment.end_s,
        further_answers=answers[1:],
    )
    return Case(lesson, question, fault)
