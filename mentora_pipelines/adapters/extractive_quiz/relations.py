"""Relations: causes and outcomes, and sentences turned into their opposite.

Here belongs what is asked of two things that a sentence ties together. Not here: how a
sentence becomes a question (`rephrasing`).
"""

from collections.abc import Iterator

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
from mentora_pipelines.adapters.extractive_quiz.statements import Statement
from mentora_pipelines.domain.quizzes.questions import FALSE, TRUE, QuestionKind
from mentora_pipelines.domain.quizzes.wording import opposites_of
from mentora_pipelines.domain.terms import english_words as english

# How much each form is worth; set by reading quizzes on nine subjects.
_CAUSE, _OUTCOME, _CHANGED = 2.6, 2.4, 1.9
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


def causes_and_outcomes(
    statement: Statement, material: Material
) -> Iterator[Candidate]:
    """Causes and outcomes, to be told in a student's own words."""
    forms: tuple[tuple[float, Asked | None], ...] = (
        (_CAUSE, why_question(statement.text, material.names)),
        (_OUTCOME, outcome_question(statement.text, material.names)),
    )
    for worth, found in forms:
        if found is not None:
            yield candidate(
                statement,
                material,
                QuestionKind.SHORT_ANSWER,
                found.prompt,
                found.answer,
                score=worth - statement.strain,
            )


def opposites(statement: Statement, material: Material) -> Iterator[Candidate]:
    """The sentence as it is, and with one word turned into its opposite."""
    text = statement.text
    turned = [
        text[: token.start] + opposite + text[token.end :]
        for token in statement.tokens[1:]
        if token.lower in _TURNABLE
        for opposite in opposites_of(token.lower)[:1]
    ]
    # Of two words that can be turned round each alone may be true again.
    if len(turned) != 1:
        return
    score = _CHANGED - statement.strain
    yield candidate(
        statement, material, QuestionKind.TRUE_FALSE, turned[0], FALSE, score=score
    )
    yield candidate(
        statement, material, QuestionKind.TRUE_FALSE, text, TRUE, score=score - 0.2
    )
