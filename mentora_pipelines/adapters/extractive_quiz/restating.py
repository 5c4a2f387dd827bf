"""Restating: what a sentence says, in another form than the one that was heard.

A statement that is copied letter by letter is recognised, not known. Here belong
definitions told by what the term does, clauses in the other order, and the first half
of a joined sentence; in English alone. Not here: whether it is true.
"""

import re
from collections.abc import Collection, Iterator

from mentora_pipelines.adapters.extractive_quiz.rephrasing import infinitives, lowered
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.definitions_of_terms import (
    Definition,
    DefinitionForm,
)

MIN_STATED_WORDS = 5
MIN_DEED_WORDS = 4
"""Shorter ones ("solves a problem") are true of too many things."""

_DOES = re.compile(
    r"^(?:[\w'-]+\s+){1,8}?(?:that|which)\s+(?P<deed>(?P<verb>\w+)\s.+)$"
)
_FRONTED = re.compile(
    r"^(?P<link>When|If|Whenever|Once|Because)\s+(?P<clause>[^,]+),\s+(?P<main>[^,]+)[.!]$"
)
_TRAILING = re.compile(
    r"^(?P<main>[^,]+?),?\s+(?P<link>when|if|whenever|once|because)\s+(?P<clause>[^,]+)[.!]$"
)
_JOINED = re.compile(
    r"^(?P<half>[^,]+),\s+(?:which|so|but|whereas|although)\s.+$", re.IGNORECASE
)
_PRONOUN = re.compile(r"\b(?:it|its|they|their|them|he|his|she|her)\b", re.IGNORECASE)


def deed_of(definition: Definition) -> str | None:
    """What a defined term does: "captures the energy of the sun"; None if not said."""
    found = _DOES.match(definition.description.rstrip(".!"))
    if (
        definition.form is not DefinitionForm.TERM_FIRST
        or definition.verb != "is"
        or found is None
        or len(found["deed"].split()) < MIN_DEED_WORDS
        or not _is_verb(found["verb"].lower(), found["deed"].split()[1].lower())
    ):
        return None
    return found["deed"]


def _is_verb(word: str, following: str) -> bool:
    """Whether "that captures the ..." says what it does, unlike "that plants need"."""
    if not word.endswith("s") or word.endswith("ss") or word in english.FUNCTION_WORDS:
        return False
    known = english.VERB_FORMS | english.PLAIN_VERBS
    return following in english.DETERMINERS or (
        any(plain in known for plain in infinitives(word))
        and following not in english.AUXILIARIES
    )


def restatements(text: str, names: Collection[str]) -> Iterator[str]:
    """The sentence with its clauses in the other order, or its first half."""
    found = _FRONTED.match(text)
    if found is not None and not _leans(found["main"], found["clause"]):
        clause = f"{found['link'].lower()} {found['clause']}"
        yield f"{_capital(found['main'])} {clause}."
        return
    found = _TRAILING.match(text)
    if found is not None and not _leans(found["clause"], found["main"]):
        link = found["link"].capitalize()
        yield f"{link} {found['clause']}, {lowered(found['main'], names)}."
        return
    found = _JOINED.match(text)
    if found is not None and len(found["half"].split()) >= MIN_STATED_WORDS:
        yield f"{found['half']}."


def _leans(first: str, then: str) -> bool:
    """Whether one of the two needs the other before it."""
    return bool(_PRONOUN.search(first) or _PRONOUN.search(then))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
