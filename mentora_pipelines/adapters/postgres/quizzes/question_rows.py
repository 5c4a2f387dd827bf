"""A question as values of a row, or of JSON, and back."""

from collections.abc import Mapping
from typing import Any

from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    Question,
    QuestionKind,
)


def question_as_json(question: Question) -> dict[str, Any]:
    """What an edit can change of a question."""
    return {
        "kind": question.kind.value,
        "prompt": question.prompt,
        "options": list(question.options),
        "answer": question.answer,
        "further_answers": list(question.further_answers),
        "difficulty": question.difficulty.value,
        "bloom_level": question.bloom_level.value,
    }


def question_of(row: Mapping[str, Any]) -> Question:
    """A question out of a row, or out of what `question_as_json` gave and its quote."""
    return Question(
        kind=QuestionKind(row["kind"]),
        prompt=row["prompt"],
        options=tuple(row["options"]),
        answer=row["answer"],
        quote=row["quote"],
        chunk_index=row["chunk_index"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        further_answers=tuple(row["further_answers"]),
        difficulty=Difficulty(row["difficulty"]),
        bloom_level=BloomLevel(row["bloom_level"]),
    )
