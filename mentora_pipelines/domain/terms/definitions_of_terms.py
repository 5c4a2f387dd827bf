"""Definitions: the sentences in which an English lesson says what a term means.

Here belongs recognising "X is the process by which ..." and "... is called X".
Not here: what a quiz or a tag makes of it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from mentora_pipelines.domain.terms import english_words as english


class DefinitionForm(StrEnum):
    """On which side of the verb the term stands."""

    TERM_FIRST = "term_first"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Definition:
    """`term` as spoken, without its article, and the words that explain it.

    `verb` joins the two: "is", "are", "was", "were" or "means".
    """

    form: DefinitionForm
    term: str
    verb: str
    description: str


# Openings a speaker puts before a sentence and that belong to no sentence.
LEAD_IN = re.compile(
    r"^(?:(?:(?:so|now|and|but|okay|ok)\b,?|(?:well|right|also|again|basically|"
    r"alright|remember|first|second|third|next|finally|of course|actually|"
    r"(?:by|in) contrast),)\s+)+",
    re.IGNORECASE,
)
_TERM = r"(?P<term>[\w'\u2019-]+(?:\s+[\w'\u2019-]+){0,3}?)"
_TERM_FIRST = re.compile(
    rf"^(?:(?:an?|the|your)\s+)?{_TERM}\s+"
    r"(?P<verb>is|are|was|were|means|refers to)\s+(?P<description>.+?)[.!]?$",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"^(?P<description>[^,]+?)\s+(?P<verb>is|are|was|were)\s+"
    r"(?:(?:also|often|usually|sometimes|commonly)\s+)?"
    r"(?:called|known\s+as|named|referred\s+to\s+as)\s+"
    rf"(?:(?:an?|the)\s+)?{_TERM}[.!]?$",
    re.IGNORECASE,
)
_ARTICLE_OPENING = re.compile(r"^(?:an?|the|any|one\s+of)\s", re.IGNORECASE)
_BARE_OPENING = re.compile(
    r"^(?:[\w'\u2019-]+\s+){1,7}?(?P<link>that|which|who|whose|where|used\s+to|made\s+"
    r"(?:of|from|by)|found\s+in)\s",
    re.IGNORECASE,
)
# "It is clear that ...", "The result is a lot of ...": a judgement, no definition.
_JUDGEMENT = re.compile(
    r"^(?:(?:important|clear|true|obvious|likely|possible|certain|sure|good|bad)"
    r"\s+that\b|(?:a|the)\s+(?:lot|bit|few|same|best|worst|case|reason|problem|most|"
    r"good|bad|great|better|key|only|first|second|next|last|main|result|way|"
    r"reasons|biggest|hardest|easiest|one)\b)",
    re.IGNORECASE,
)
_UNNAMED = english.words(
    "most least first second third next last only main best other another such "
    "there here it this that these those what one"
)
_CONTEXT_WORDS = english.words(
    "this these those i me my we us our he she him today lesson video above"
)
# "The crust is broken into plates that drift" says what happens to it.
_PARTICIPLES = english.words(
    "broken spoken written driven given hidden frozen chosen drawn known shown grown "
    "thrown torn worn born taken stolen woven beaten eaten blown flown cut set put"
)
MIN_DESCRIPTION_WORDS = 4
"""Fewer words ("a big problem") describe too many things."""


def without_lead_in(sentence: str) -> str:
    """`sentence` without "So, now, ..." and with a capital at its beginning."""
    bare = LEAD_IN.sub("", sentence.strip())
    return bare[:1].upper() + bare[1:]


def definition_in(sentence: str) -> Definition | None:
    """What an English `sentence` defines, or None when it defines nothing."""
    bare = without_lead_in(sentence)
    if match := _NAMED.match(bare):
        described = match["description"].split()
        if len(described) >= MIN_DESCRIPTION_WORDS and _is_named_subject(described):
            return _checked(DefinitionForm.NAMED, match)
    if match := _TERM_FIRST.match(bare):
        return _checked(DefinitionForm.TERM_FIRST, match)
    return None


def _checked(form: DefinitionForm, match: re.Match[str]) -> Definition | None:
    term, verb, description = match["term"], match["verb"], match["description"]
    words = description.split()
    lowered = {word.strip(",.;:").lower() for word in words}
    if not _is_term(term) or lowered & _CONTEXT_WORDS:
        return None
    if len(words) < MIN_DESCRIPTION_WORDS:
        return None
    if form is DefinitionForm.TERM_FIRST and not _describes(verb, description):
        return None
    return Definition(form, term, verb.lower(), description)


def _is_term(term: str) -> bool:
    words = [word.lower() for word in term.split()]
    inner = words[1:-1] if len(words) > 2 else []
    ends = [words[0], words[-1]]
    if any(word in english.FUNCTION_WORDS or word in _UNNAMED for word in ends):
        return False
    if any(word in english.FUNCTION_WORDS - {"of", "the"} for word in inner):
        return False
    if any(word in english.VERB_FORMS and not word.endswith("ing") for word in words):
        return False
    return not all(word in english.GENERAL_WORDS for word in words)


def _is_named_subject(words: list[str]) -> bool:
    first = words[0].lower()
    return first in {"a", "an", "the"} or first not in english.FUNCTION_WORDS


def _describes(verb: str, description: str) -> bool:
    if _JUDGEMENT.match(description):
        return False
    if verb.lower() in {"means", "refers to"} or _ARTICLE_OPENING.match(description):
        return True
    link = _BARE_OPENING.match(description)
    first = description.split(maxsplit=1)[0].lower()
    return (
        link is not None
        and first not in english.FUNCTION_WORDS
        and not first.endswith(("ed", "ing", "ly"))
        and first not in _PARTICIPLES
        and first not in english.VERB_FORMS
    )
