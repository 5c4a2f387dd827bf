"""Relations: causes and outcomes, and sentences turned into their opposite.

Here belongs what is asked of two things that a sentence ties together. Not here: how a
sentence becomes a question (`rephrasing`).
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile

from mentora_pipelines.adapters.extractive_quiz.distractors import (
    DISTRACTOR_COUNT,
    MIN_DISTRACTOR_COUNT,
)
from mentora_pipelines.adapters.extractive_quiz.material import (
    Candidate,
    Material,
    candidate,
)
from mentora_pipelines.adapters.extractive_quiz.rephrasing import (
    Asked,
    outcome_question,
    why_question,
)
from mentora_pipelines.adapters.extractive_quiz.restating import restatements
from mentora_pipelines.adapters.extractive_quiz.statements import Statement
from mentora_pipelines.domain.quizzes.questions import FALSE, TRUE, QuestionKind
from mentora_pipelines.domain.quizzes.wording import content_roots, opposites_of
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

# How much each form is worth; set by reading quizzes on nine subjects.
_CAUSE, _OUTCOME, _CHOSEN_OUTCOME, _CHANGED, _ANEW = 2.6, 2.4, 2.4, 1.9, 1.7
# Words whose opposite fits wherever they stand: "close" may be a verb, "with" may
# begin what is told of both.
_TURNABLE = english.words(
    "fast slow faster slower quickly slowly large small larger smaller largest "
    "smallest bigger increases decreases grows shrinks "
    "rises falls highest lowest earlier later always never absorbs reflects hot cold "
    "strong weak stronger weaker left right wet dry dark sorted unsorted inside "
    "outside heavy costly cheap upward downward ascending descending internal "
    "external positive negative minimum maximum harder softer"
)


def outcomes_of(material: Material) -> list[Asked]:
    """Every outcome that the lesson tells, with the question that it answers."""
    found = (outcome_question(s.text, material.names) for s in material.statements)
    return [asked for asked in found if asked is not None]


def causes_and_outcomes(
    statement: Statement, material: Material, outcomes: Sequence[Asked]
) -> Iterator[Candidate]:
    """Causes and outcomes, to be told in a student's own words or to be chosen."""
    why = why_question(statement.text, material.names)
    what = outcome_question(statement.text, material.names)
    for worth, found in ((_CAUSE, why), (_OUTCOME, what)):
        if found is not None:
            yield candidate(
                statement,
                material,
                QuestionKind.SHORT_ANSWER,
                found.prompt,
                found.answer,
                score=worth - statement.strain,
            )
    others = [] if what is None else _other_outcomes(what, outcomes, material)
    if what is not None and len(others) >= MIN_DISTRACTOR_COUNT:
        yield candidate(
            statement,
            material,
            QuestionKind.MULTIPLE_CHOICE,
            what.prompt,
            what.answer.rstrip("."),
            options=[what.answer.rstrip("."), *others],
            score=_CHOSEN_OUTCOME - statement.strain,
        )


def _other_outcomes(
    asked: Asked, outcomes: Sequence[Asked], material: Material
) -> list[str]:
    """The outcome turned round, and outcomes of other cases, the shortest way first."""
    vocabulary = material.vocabulary
    own = asked.answer.rstrip(".")
    turned = [other for other in _turned(own, vocabulary) if other != own]
    told = [one.answer.rstrip(".") for one in outcomes if one.prompt != asked.prompt]
    told.sort(key=lambda other: (abs(len(other) - len(own)), other))
    chosen: list[str] = []
    for other in (*turned[:1], *told):
        roots = set(content_roots(other, vocabulary))
        if len(chosen) == DISTRACTOR_COUNT:
            break
        known = [set(content_roots(one, vocabulary)) for one in (own, *chosen)]
        if other in chosen or (
            other not in turned and any(r <= roots or roots <= r for r in known)
        ):
            continue
        chosen.append(other)
    return chosen


def told_anew(statement: Statement, material: Material) -> Iterator[Candidate]:
    """What the sentence says, in another form: true."""
    for text in restatements(statement.text, material.names):
        yield candidate(
            statement,
            material,
            QuestionKind.TRUE_FALSE,
            text,
            TRUE,
            score=_ANEW - statement.strain,
        )


def opposites(statement: Statement, material: Material) -> Iterator[Candidate]:
    """The sentence with one word turned into its opposite: false."""
    # Of two words that can be turned round each alone may be true again.
    for turned in _turned(statement.text, material.vocabulary):
        yield candidate(
            statement,
            material,
            QuestionKind.TRUE_FALSE,
            turned,
            FALSE,
            score=_CHANGED - statement.strain,
        )


def _turned(text: str, vocabulary: Vocabulary) -> list[str]:
    """The text with its one word that has an opposite turned; [] if it has more."""
    turned = [
        text[: token.start] + _opposite(token.lower) + text[token.end :]
        for token in vocabulary.tokens(text)[1:]
        if token.lower in _TURNABLE and opposites_of(token.lower)
    ]
    return turned if len(turned) == 1 else []


def _opposite(word: str) -> str:
    """The opposite in the same form: "slower" of "faster", not "slow"."""

    def same_ending(other: str) -> int:
        letters = zip(reversed(word), reversed(other), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], letters))

    return max(opposites_of(word), key=lambda other: (same_ending(other), other))
