"""Candidates: every question that the sentences of a lesson allow.

Here belongs what is asked about which sentence. Not here: which of the candidates make
up the quiz (`writer`).
"""

from collections.abc import Iterator

from mentora_pipelines.adapters.extractive_quiz.gap_questions import (
    blanks_and_names,
    lists,
)
from mentora_pipelines.adapters.extractive_quiz.material import Candidate, Material
from mentora_pipelines.adapters.extractive_quiz.meanings import meanings
from mentora_pipelines.adapters.extractive_quiz.other_meanings import told_in
from mentora_pipelines.adapters.extractive_quiz.relations import (
    causes_and_outcomes,
    opposites,
    outcomes_of,
    told_anew,
)


def candidates(material: Material) -> Iterator[Candidate]:
    """Every candidate, sentence by sentence."""
    is_english = material.vocabulary.is_english
    outcomes = outcomes_of(material) if is_english else []
    told = told_in(material) if is_english else []
    for statement in material.statements:
        yield from blanks_and_names(statement, material)
        if not is_english:
            continue
        if statement.definition is not None:
            yield from meanings(statement, statement.definition, told, material)
        else:
            yield from causes_and_outcomes(statement, material, outcomes)
            yield from opposites(statement, material)
            yield from told_anew(statement, material)
        yield from lists(statement, material)
