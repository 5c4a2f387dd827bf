"""Faults: what can be wrong with a question, and the sentence that says it.

Here belongs the closed list, which is kept with a refused question. Not here: how a
fault is found.
"""

from dataclasses import dataclass
from enum import StrEnum


class FaultCode(StrEnum):
    """Why a question is refused."""

    FORM = "form"
    """It is not what its kind looks like."""
    NOT_QUOTED = "not_quoted"
    """The quote does not stand in the transcript where it says."""
    UNSUPPORTED = "unsupported"
    """The quote does not say that the answer is right."""
    NOT_IN_LESSON = "not_in_lesson"
    """It is about something that the lesson does not say."""
    OPTIONS = "options"
    """The options are too few, the same, empty or not of one kind."""
    AMBIGUOUS = "ambiguous"
    """Another option is right as well."""
    GIVEN_AWAY = "given_away"
    """The answer is found without the lesson."""
    TRIVIAL = "trivial"
    """Nothing is learnt from it."""
    OUT_OF_CONTEXT = "out_of_context"
    """It cannot be understood on a quiz sheet."""
    LANGUAGE = "language"
    """It is in another language than the lesson."""
    INSTRUCTION = "instruction"
    """It obeys, or passes on, an order that stands in the transcript."""
    DUPLICATE = "duplicate"
    """The quiz, or another one of the video, asks it already."""
    CONTRADICTION = "contradiction"
    """Another question of the quiz says the opposite."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `reason` is for the writer, and for people."""

    code: FaultCode
    reason: str

    def __str__(self) -> str:
        return self.reason
