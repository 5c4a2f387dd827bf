"""Meanings: what a lesson says a term is, asked in three kinds.

Here belong definitions: chosen among other meanings, told in writing, or believed of
another term. Not here: the blank in a definition (`gap_questions`).
"""

import re
from collections.abc import Collection, Iterator, Sequence

from mentora_pipelines.adapters.extractive_quiz.material import (
    Candidate,
    Material,
    candidate,
)
from mentora_pipelines.adapters.extractive_quiz.other_meanings import (
    Told,
    meaning_of,
    other_meanings,
)
from mentora_pipelines.adapters.extractive_quiz.rephrasing import lowered
from mentora_pipelines.adapters.extractive_quiz.restating import deed_of
from mentora_pipelines.adapters.extractive_quiz.statements import (
    Statement,
)
from mentora_pipelines.domain.quizzes.questions import FALSE, TRUE, QuestionKind
from mentora_pipelines.domain.terms.definitions_of_terms import (
    Definition,
    DefinitionForm,
)
from mentora_pipelines.domain.terms.genus import genus_of
from mentora_pipelines.domain.terms.key_terms import KeyTerm

# How much each form is worth; set by reading quizzes on nine subjects.
_MEANING, _DEFINED, _CALLED, _WRITTEN_MEANING = 2.9, 1.8, 1.2, 1.5
_ARTICLE = re.compile(r"(?:A|An|The)\s")
MIN_MEANINGS = 3


def meanings(
    statement: Statement,
    definition: Definition,
    told: Sequence[Told],
    material: Material,
) -> Iterator[Candidate]:
    """What a term means: to choose, to write, or to believe of another term."""
    meaning = meaning_of(definition)
    if definition.form is DefinitionForm.TERM_FIRST and meaning is not None:
        prompt = _what_is(statement, definition, material.names)
        others = other_meanings(statement, definition, told, material)
        if len(others) >= MIN_MEANINGS - 1 and not _is_echoed(
            definition, meaning, others, material
        ):
            yield candidate(
                statement,
                material,
                QuestionKind.MULTIPLE_CHOICE,
                prompt,
                meaning,
                options=[meaning, *others],
                score=_MEANING - statement.strain,
            )
        yield candidate(
            statement,
            material,
            QuestionKind.SHORT_ANSWER,
            prompt,
            f"{meaning}.",
            score=_WRITTEN_MEANING - statement.strain,
        )
    yield from _beliefs(statement, definition, material)


def _beliefs(
    statement: Statement, definition: Definition, material: Material
) -> Iterator[Candidate]:
    """What the term does, said of itself and of another term of its kind."""
    deed = deed_of(definition)
    meaning = meaning_of(definition)
    term = _term_of(definition, material)
    if definition.form is not DefinitionForm.TERM_FIRST or term is None:
        return
    end = _end_of_term(statement.text, definition)
    score = _DEFINED - statement.strain
    if deed is not None:
        yield candidate(
            statement,
            material,
            QuestionKind.TRUE_FALSE,
            f"{_any(statement.text[:end])} {deed}.",
            TRUE,
            score=score,
        )
    elif definition.verb == "is" and _ARTICLE.match(meaning or ""):
        called = lowered(_any(statement.text[:end]), material.names)
        yield candidate(
            statement,
            material,
            QuestionKind.TRUE_FALSE,
            f"{meaning} is called {called}.",
            TRUE,
            score=_CALLED - statement.strain,
        )
    others = material.distractors.of_one_kind(term, statement.text)
    for other in others:
        same = material.distractors.is_same_genus(other, term)
        subject = _subject_of(other.text, material)
        if subject is not None and (same or deed is not None):
            told = statement.text[end:] if deed is None else f" {deed}."
            yield candidate(
                statement,
                material,
                QuestionKind.TRUE_FALSE,
                f"{_any(subject)}{told}",
                FALSE,
                score=score + 0.1,
            )
            return


def _any(subject: str) -> str:
    """A subject for anybody: "A deposit", not "Your deposit"."""
    first, _, rest = subject.partition(" ")
    return f"A {rest}" if first.lower() == "your" else subject


def _what_is(
    statement: Statement, definition: Definition, names: Collection[str]
) -> str:
    """The question "What is an index?", with the article that the lesson uses."""
    subject = statement.text[: _end_of_term(statement.text, definition)]
    first, _, rest = subject.partition(" ")
    has_article = first.lower() in {"a", "an", "the", "your"}
    if has_article:
        subject = f"{'a' if first.lower() == 'your' else first.lower()} {rest}"
    verb = definition.verb if definition.verb in {"are", "was", "were"} else "is"
    return (
        f"What {verb} {subject if has_article else _inner(subject, statement, names)}?"
    )


def _inner(word: str, statement: Statement, names: Collection[str]) -> str:
    """A first word as it is written inside a sentence."""
    token = statement.tokens[0]
    if statement.definition is not None and statement.definition.verb == "was":
        return word  # what once was and has no article has a name
    keeps = token.text[1:].lower() != token.text[1:] or statement.begins_with_name
    keeps = keeps or token.text in names
    return word if keeps else word[:1].lower() + word[1:]


def _is_echoed(
    definition: Definition, meaning: str, others: Sequence[str], material: Material
) -> bool:
    """Whether a word of the term gives its meaning away: "a sorted list is a list".

    It stands in no other meaning, or what these tell of is not called so.
    """
    vocabulary = material.vocabulary
    term = set(vocabulary.normal_form(definition.term).split())
    told = set(vocabulary.normal_form(meaning).split())
    elsewhere = {w for other in others for w in vocabulary.normal_form(other).split()}
    genus = genus_of(definition, vocabulary)
    named_so = genus in term and not any(
        genus in vocabulary.normal_form(other).split()[:2] for other in others
    )
    return named_so or bool(term & told - elsewhere)


def _term_of(definition: Definition, material: Material) -> KeyTerm | None:
    normal_form = material.vocabulary.normal_form(definition.term)
    return next((t for t in material.terms if t.normal_form == normal_form), None)


def _subject_of(term: str, material: Material) -> str | None:
    """A defined term as the lesson begins its definition: "The interest rate"."""
    normal_form = material.vocabulary.normal_form(term)
    for statement in material.statements:
        told = statement.definition
        if (
            told is not None
            and told.form is DefinitionForm.TERM_FIRST
            and material.vocabulary.normal_form(told.term) == normal_form
        ):
            return statement.text[: _end_of_term(statement.text, told)]
    return None


def _end_of_term(text: str, definition: Definition) -> int:
    return text.lower().index(definition.term.lower()) + len(definition.term)
