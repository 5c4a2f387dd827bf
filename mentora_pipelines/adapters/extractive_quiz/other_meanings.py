"""Other meanings: what a lesson says of its terms, as wrong options for each other.

Here belongs which meanings stand beside a right one. Not here: what is asked about a
meaning (`meanings`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mentora_pipelines.adapters.extractive_quiz.material import Material, capitalised
from mentora_pipelines.adapters.extractive_quiz.statements import (
    Statement,
    without_aside,
)
from mentora_pipelines.domain.terms.definitions_of_terms import (
    MIN_DESCRIPTION_WORDS,
    Definition,
    DefinitionForm,
)
from mentora_pipelines.domain.terms.genus import are_of_one_kind, genus_of

MAX_MEANING_WORDS = 16


@dataclass(frozen=True, slots=True)
class Told:
    """A meaning that the lesson tells; `term` and `words` are stems, `words` of all."""

    quote: str
    verb: str
    meaning: str
    genus: str | None
    term: frozenset[str]
    words: frozenset[str]


def told_in(material: Material) -> list[Told]:
    """Every meaning that may stand as an option, in the order of the lesson."""
    vocabulary = material.vocabulary
    found = []
    for statement in material.statements:
        definition = statement.definition
        if definition is None or definition.form is not DefinitionForm.TERM_FIRST:
            continue
        meaning = meaning_of(definition)
        if meaning is not None:
            term = frozenset(vocabulary.normal_form(definition.term).split())
            inside = vocabulary.normal_form(definition.description).split()
            found.append(
                Told(
                    statement.text,
                    definition.verb,
                    meaning,
                    genus_of(definition, vocabulary),
                    term,
                    term | frozenset(inside),
                )
            )
    return found


def meaning_of(definition: Definition) -> str | None:
    """The description as an option, without what is said beside it."""
    words = without_aside(definition.description).split()
    if not MIN_DESCRIPTION_WORDS <= len(words) <= MAX_MEANING_WORDS:
        return None
    return capitalised(" ".join(words))


def other_meanings(
    statement: Statement,
    definition: Definition,
    told: Sequence[Told],
    material: Material,
) -> list[str]:
    """What the lesson says of its other terms; none where no other is of its kind.

    Those of the same genus come first, then those that were shown least often.
    """
    genus = genus_of(definition, material.vocabulary)
    own = meaning_of(definition) or ""
    mine = set(material.vocabulary.normal_form(definition.term).split())
    found = [
        (
            other.genus != genus,
            not are_of_one_kind(other.genus, genus),
            material.shown[other.meaning],
            abs(len(other.meaning.split()) - len(own.split())),
            other.meaning,
        )
        for other in told
        # A definition that speaks of the term itself is right, or half right.
        if other.quote != statement.text
        and other.verb == definition.verb
        and not (mine <= other.words or other.term <= mine)
    ]
    best = sorted(found)[:3]
    if not best or best[0][1]:
        return []
    shown = [meaning for *_, meaning in best]
    material.shown.update(shown)
    return shown
