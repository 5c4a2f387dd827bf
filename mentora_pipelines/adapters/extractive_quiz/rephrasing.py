"""Rephrasing: a sentence of cause or condition as the question that it answers.

Here belong "X, because Y" as "Why X?" and "When X, Y" as "What happens when X?", in
English alone. Not here: which sentences stand by themselves (`statements`).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from mentora_pipelines.domain.terms import english_words as english

MIN_ANSWER_WORDS, MAX_ANSWER_WORDS = 3, 18
MIN_PROMPT_WORDS = 4

_BECAUSE = re.compile(
    r"^(?P<main>.+?),?\s+because\s+(?P<reason>[^,]+(?:,[^,]+)?)[.!]$", re.IGNORECASE
)
_FRONTED = re.compile(
    r"^(?P<link>When|If|Whenever|Once)\s+(?P<condition>[^,]+),\s+(?P<result>.+)[.!]$"
)
_TRAILING = re.compile(
    r"^(?P<result>[^,]+?),?\s+(?P<link>when|if|whenever|once)\s+"
    r"(?P<condition>[^,]+)[.!]$"
)
_PLACED = re.compile(
    r"^(?P<place>(?:With|In|At|On|After|Before|During|Without|Above|Below)\s[^,]+),\s+"
    r"(?P<rest>.+)$"
)
_PAST = re.compile(r"\b(?:was|were|had|did|\w{3,}ed|began|became|took|went)\b")
_SUBORDINATE = re.compile(r"\b(?:how|that|which|who|whose|whether|what|where)\b")
# "Louis the Sixteenth", "Robespierre" is told by the key terms.
_NAME = re.compile(r"[A-Z]\w+\s(?:(?:the|of|van|von|de|la)\s)?[A-Z]")
_INVERTIBLE = english.words(
    "is are was were can may must should will would could might has"
)
_PRONOUNS = english.words(
    "it its they them their he she him her his this these those that we us our i me my"
)
_PLURAL_OPENING = english.words("most many all these both several few two three")
_SUBJECT_LIMIT = 6


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the words of the sentence that answer it."""

    prompt: str
    answer: str


def why_question(text: str, names: Collection[str] = ()) -> Asked | None:
    """The question "Why X?" of "X, because Y", or None when X cannot be asked so.

    `names` are words that keep their capital.
    """
    found = _BECAUSE.match(text)
    if found is None or _leans(found["main"]):
        return None
    question = _inverted(found["main"], names)
    if question is None or not _is_answer(found["reason"]):
        return None
    return _asked(f"Why {question}?", f"Because {found['reason']}.")


def outcome_question(text: str, names: Collection[str] = ()) -> Asked | None:
    """The question "What happens when X?" of "When X, Y" or "Y when X"."""
    found = _FRONTED.match(text) or _TRAILING.match(text)
    if found is None or _leans(found["condition"]) or _PAST.search(text):
        return None
    condition = set(re.findall(r"[\w']+", found["condition"].lower()))
    if _SUBORDINATE.search(found["result"]) or not condition.isdisjoint(_PRONOUNS):
        return None
    result = re.split(
        r",\s+(?:because|although|so)\b", found["result"], flags=re.IGNORECASE
    )[0]
    words = result.lower().split()
    if not _is_answer(result) or words[0] in _PRONOUNS or "because" in words:
        return None
    # "X and it does Y": the second half leans on the first, which is there.
    answer = f"{result[0].upper()}{result[1:]}."
    prompt = (
        f"What happens {found['link'].lower()} {lowered(found['condition'], names)}?"
    )
    return _asked(prompt, answer)


def _asked(prompt: str, answer: str) -> Asked | None:
    if len(prompt.split()) < MIN_PROMPT_WORDS:
        return None
    return Asked(prompt, answer)


def _leans(text: str) -> bool:
    """Whether a pronoun stands before anything that it could stand for."""
    for word in re.findall(r"[\w']+", text.lower()):
        if word in _PRONOUNS:
            return True
        if word not in english.FUNCTION_WORDS:
            return False
    return True


def _is_answer(text: str) -> bool:
    return MIN_ANSWER_WORDS <= len(text.split()) <= MAX_ANSWER_WORDS


def _inverted(main: str, names: Collection[str]) -> str | None:
    """The words "does the search fail when ..." of "the search fails when ..."."""
    placed = _PLACED.match(main)
    place = ""
    if placed is not None:
        main, place = placed["rest"], f" {lowered(placed['place'], names)}"
    words = lowered(main, names).split()
    for at, word in enumerate(words[: _SUBJECT_LIMIT + 1]):
        bare = word.lower().strip(",")
        if at == 0 or words[at - 1].lower() in english.DETERMINERS | {"of", "and"}:
            continue
        subject, rest = " ".join(words[:at]), " ".join(words[at + 1 :])
        if bare in _INVERTIBLE:
            return f"{bare} {subject} {rest}{place}"
        verb = _plain_verb(bare, words[:at])
        # "Video calls often use UDP": the later one is the verb.
        if verb is not None and not _has_plain_verb(words[at + 1 : at + 3]):
            auxiliary, plain = verb
            return f"{auxiliary} {subject} {plain} {rest}".rstrip() + place
        if bare in english.CONJUNCTIONS | english.AUXILIARIES:
            return None
    return None


def _plain_verb(word: str, subject: list[str]) -> tuple[str, str] | None:
    """The auxiliary and the infinitive of a verb in the present, else None."""
    # "video calls often use": the adverb says nothing about their number.
    nouns = [word for word in subject if word.lower() not in english.ADVERBS]
    last = nouns[-1].lower() if nouns else ""
    is_plural = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    is_plural = is_plural or subject[0].lower() in _PLURAL_OPENING
    if not is_plural and word.endswith("s"):
        for plain in infinitives(word):
            if plain in english.VERB_FORMS or plain in english.PLAIN_VERBS:
                return "does", plain
    if is_plural and word in english.PLAIN_VERBS:
        return "do", word
    return None


def _has_plain_verb(words: list[str]) -> bool:
    return len(words) > 1 and any(word.lower() in english.PLAIN_VERBS for word in words)


def infinitives(word: str) -> list[str]:
    """What may be the infinitive of a verb in "-s", the likeliest first."""
    found = [word[:-1]]
    if word.endswith("ies"):
        found.insert(0, word[:-3] + "y")
    elif word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        found.insert(0, word[:-2])
    return found


def lowered(text: str, names: Collection[str]) -> str:
    """Without the capital of the sentence; a name and an abbreviation keep theirs."""
    first = text.split(maxsplit=1)[0]
    if first in {"A", "An", "The"}:
        return text[0].lower() + text[1:]
    if first.strip(",") in names or _NAME.match(text):
        return text
    if len(first) > 1 and (first[1:].lower() != first[1:] or first == "I"):
        return text
    return text[0].lower() + text[1:]
