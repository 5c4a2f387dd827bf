"""Clues: what one question of a quiz gives away of another.

Here belongs the comparison of what is shown with what is to be written. Not here:
questions that ask the same, or contradict each other (`conflicts`).
"""

from mentora_pipelines.domain.quizzes.questions import BLANK, Question, QuestionKind
from mentora_pipelines.domain.quizzes.wording import content_roots, has_words, normal
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

SAME_OPTIONS = 3
"""Two questions that share so many told options are solved by elimination."""

_TOLD_WORDS = 4
"""An option of so many words tells something; a shorter one is a name or a number."""

_NAME_ROOTS = 2
_TELLING_SHARE = 0.5


def shows(one: Question, other: Question) -> bool:
    """Whether what a student is to write for `other` stands in what `one` shows."""
    if other.kind.has_options:
        return False
    shown = normal("\n".join((one.prompt, *one.options)))
    return any(
        # Most hold nothing of it: the cheap look comes first.
        normal(answer) in shown and has_words(shown, answer)
        for answer in map(_written, other.answers)
    )


def gives_away(one: Question, other: Question, vocabulary: Vocabulary) -> bool:
    """Whether `one` tells what a student is to write for `other`.

    A name alone may stand anywhere; it is told where most of what is asked about it
    stands beside it.
    """
    if not shows(one, other):
        return False
    if len(content_roots(_written(other.answer), vocabulary)) > _NAME_ROOTS:
        return True
    asked = set(content_roots(other.prompt.replace(BLANK, " "), vocabulary))
    asked -= set(content_roots(other.answer, vocabulary))
    return any(
        has_words(text, _written(other.answer))
        and len(asked & set(content_roots(text, vocabulary)))
        > _TELLING_SHARE * len(asked)
        for text in (one.prompt, *one.options)
    )


def share_options(one: Question, other: Question) -> bool:
    """Whether both choose from the same sentences."""
    told = {normal(o) for o in one.options if len(o.split()) >= _TOLD_WORDS}
    again = {normal(o) for o in other.options if len(o.split()) >= _TOLD_WORDS}
    chosen = {one.kind, other.kind} <= {
        QuestionKind.MULTIPLE_CHOICE,
        QuestionKind.MULTIPLE_ANSWER,
    }
    return chosen and len(told & again) >= SAME_OPTIONS


def _written(answer: str) -> str:
    return answer.rstrip(".")
