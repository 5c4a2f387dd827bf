"""Gap questions: a sentence without one of its terms, or of the things it lists.

Here belong fill-in questions, names to choose from and lists to complete. Not here:
definitions as such (`meanings`), causes and outcomes (`relations`).
"""

from collections.abc import Iterator

from mentora_pipelines.adapters.extractive_quiz.material import (
    Candidate,
    Material,
    candidate,
    capitalised,
)
from mentora_pipelines.adapters.extractive_quiz.standing import is_proper
from mentora_pipelines.adapters.extractive_quiz.statements import (
    Gap,
    Statement,
    asked,
    blanked,
    gaps,
    listed,
)
from mentora_pipelines.domain.quizzes.questions import BLANK, QuestionKind
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

_LISTED = 2.2
"""How much a list is worth beside a blank, which has up to 3.5."""

MIN_WRONG = 2


def blanks_and_names(statement: Statement, material: Material) -> Iterator[Candidate]:
    """Fill-in questions, and names to choose from."""
    vocabulary = material.vocabulary
    best = max((term.score for term in material.terms), default=1.0)
    for gap in gaps(statement, material.terms, vocabulary):
        if not _is_worth_asking(gap, statement, vocabulary):
            continue
        score = _blank_score(statement, gap, best)
        text = blanked(statement, gap, vocabulary)
        yield candidate(
            statement, material, QuestionKind.FILL_IN, text, gap.answer, score=score
        )
        prompt = _choice_wording(statement, gap, text, vocabulary)
        others = material.distractors.choose(gap.term, statement.text) if prompt else []
        if prompt and others:
            yield candidate(
                statement,
                material,
                QuestionKind.MULTIPLE_CHOICE,
                prompt,
                capitalised(gap.answer),
                options=[capitalised(o) for o in (gap.answer, *others)],
                score=score + 0.2,
            )


def _choice_wording(
    statement: Statement, gap: Gap, text: str, vocabulary: Vocabulary
) -> str | None:
    """The prompt of a multiple-choice question on this gap.

    A common noun in a plain sentence gets none: too often a second option would be
    right, too ("the plant builds _____": sugar, glucose, starch). In another language
    a name is asked for by the sentence alone, where names can be told from nouns.
    """
    if statement.definition and gap.is_subject:
        return asked(statement.definition)
    if not is_proper(gap.term) or not vocabulary.tells_names:
        return None
    if vocabulary.is_english:
        return f"Which name completes the gap? {text.partition(' (')[0]}"
    return text


def _is_worth_asking(gap: Gap, statement: Statement, vocabulary: Vocabulary) -> bool:
    """A term the lesson explains or comes back to, where nothing else fits as well."""
    if is_proper(gap.term) and not gap.is_whole and vocabulary.is_english:
        return False
    if statement.definition and not gap.is_subject and not gap.is_whole:
        return False
    return gap.term.is_defined or gap.term.count > 1 or is_proper(gap.term)


def _blank_score(statement: Statement, gap: Gap, best: float) -> float:
    """How good a blank is; the weights were set by reading quizzes."""
    score = gap.term.score / best - statement.strain
    score += 1.0 if gap.is_subject else 0.0
    score += 0.5 if gap.term.is_defined else 0.0
    score += 0.3 if gap.is_whole else 0.0
    score -= 0.8 if statement.definition and not gap.is_subject else 0.0
    words = set(gap.term.normal_form.split())
    others = [
        token
        for token in statement.tokens
        if not gap.start <= token.start < gap.end and token.stem in words
    ]
    return score - (0.3 if others else 0.0)


def lists(statement: Statement, material: Material) -> Iterator[Candidate]:
    """All that a sentence lists: "water and minerals"."""
    found = listed(statement)
    if found is None:
        return
    start, end, items = found
    terms = {term.normal_form: term for term in material.terms}
    known = [terms.get(material.vocabulary.normal_form(item)) for item in items]
    # What the lesson defines says best of what kind they are.
    anchor = max(
        (term for term in known if term is not None),
        key=lambda term: term.is_defined,
        default=None,
    )
    if anchor is None:
        return
    distractors = [
        other
        for other in material.distractors.choose(
            anchor, statement.text, same_genus=False
        )
        if other.lower() not in (item.lower() for item in items)
    ]
    if len(distractors) < MIN_WRONG:
        return
    prompt = f"{statement.text[:start]}{BLANK}{statement.text[end:]}"
    yield candidate(
        statement,
        material,
        QuestionKind.MULTIPLE_ANSWER,
        f"Which of these belong in the gap? {prompt}",
        capitalised(items[0]),
        further=[capitalised(item) for item in items[1:]],
        options=[capitalised(option) for option in (*items, *distractors[:MIN_WRONG])],
        score=_LISTED - statement.strain,
    )
