"""What Claude must give back: the input of the one tool that it is to call.

Here belongs the shape. Not here: what makes a question good
(`domain/quizzes/validation` decides that), or where in the lesson it stands.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Difficulty,
    QuestionKind,
)


def _storable(text: str) -> str:
    """No database keeps U+0000: such an answer is malformed, and asked for again."""
    if "\0" in text:
        raise ValueError("holds U+0000")
    return text


_Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1),
    # Beside the schema, of which each pattern would be paid for.
    AfterValidator(_storable),
]


class WrittenQuestion(BaseModel):
    """One question about the transcript."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: QuestionKind = Field(
        description="fill_in: the prompt is a sentence with one blank, written _____. "
        "true_false: the prompt is a statement."
    )
    prompt: Annotated[_Text, Field(max_length=600)] = Field(
        description="What a student reads. It must not contain the answer."
    )
    options: list[Annotated[_Text, Field(max_length=300)]] = Field(
        max_length=8,
        description="Of multiple_choice and multiple_answer, four: what is right and "
        "what is wrong but plausible, of one kind, alike in length. Of true_false, "
        "True and False. Of fill_in and short_answer, none.",
    )
    answer: Annotated[_Text, Field(max_length=300)] = Field(
        description="One of the options, word for word; of fill_in, words of the "
        "quote; of short_answer, at most forty words."
    )
    further_answers: list[Annotated[_Text, Field(max_length=300)]] = Field(
        default=[],
        max_length=6,
        description="Of multiple_answer the other right options, else none.",
    )
    difficulty: Difficulty = Field(
        default=Difficulty.MEDIUM, description="For who has seen the lesson once."
    )
    bloom_level: BloomLevel = Field(
        default=BloomLevel.REMEMBER, description="What it asks of the mind."
    )
    quote: Annotated[_Text, Field(max_length=1_000)] = Field(
        description="The words of the transcript that prove the answer, copied exactly."
    )


class WrittenQuiz(BaseModel):
    """All questions about one part of a lesson."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    questions: list[WrittenQuestion] = Field(max_length=100)
