"""Standing: how terms stand in the sentences of a lesson, bare or with an article.

Two that stand alike fit the same gap: "into oxygen", but never "into plant". Here
belongs what the words around a term make of it. Not here: what the lesson says that it
is (`genus`), or which terms become options (`distractors`).
"""

import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.key_terms import KeyTerm
from mentora_pipelines.domain.terms.vocabulary import Vocabulary, sentences_of

# "Sixteenth" is half of a king.
_ORDINAL = re.compile(
    r"(?:teenth|first|second|third|fourth|fifth|sixth|eighth)$", re.IGNORECASE
)


class _NameKind(StrEnum):
    """What a name seems to name: "Caesar", "to Greece", "the Senate"."""

    PLACE = "place"
    BARE = "bare"
    WITH_ARTICLE = "with_article"


class Standing:
    """How each term of a lesson stands in its sentences."""

    def __init__(
        self, texts: Sequence[str], terms: Sequence[KeyTerm], vocabulary: Vocabulary
    ) -> None:
        self._vocabulary = vocabulary
        self._terms = terms
        self._name_kinds = self._kinds_of_names(texts)
        self._bare = self._bare_nouns(texts)
        self._partial = frozenset(t for t in terms if _is_partial(t, texts))

    def alike(self, term: KeyTerm, other: KeyTerm) -> bool:
        """Whether `term` is whole, and fits where `other` stands."""
        if term in self._partial:
            return False
        if is_proper(term):
            return self._name_kinds.get(term) == self._name_kinds.get(other)
        return (term in self._bare) == (other in self._bare)

    def _bare_nouns(self, texts: Sequence[str]) -> frozenset[KeyTerm]:
        """The terms that mostly stand without an article: "oxygen", not "the plant"."""
        votes: Counter[KeyTerm] = Counter()
        articles = self._vocabulary.articles
        for text in texts:
            for sentence in sentences_of(text):
                tokens = self._vocabulary.tokens(sentence)
                stems = [token.stem for token in tokens]
                for term in self._terms:
                    words = term.normal_form.split()
                    for at in range(len(stems) - len(words) + 1):
                        if stems[at : at + len(words)] != words:
                            continue
                        before = [token.lower for token in tokens[max(0, at - 2) : at]]
                        plural = is_plural(tokens[at + len(words) - 1].lower)
                        votes[term] += 0 if plural else -1
                        votes[term] += 2 * (not plural and articles.isdisjoint(before))
        return frozenset(term for term, vote in votes.items() if vote > 0)

    def _kinds_of_names(self, texts: Sequence[str]) -> dict[KeyTerm, _NameKind]:
        """What the word before each name makes of it, most often."""
        names = [term for term in self._terms if is_proper(term)]
        votes: dict[KeyTerm, Counter[_NameKind]] = {n: Counter() for n in names}
        for text in texts:
            for sentence in sentences_of(text):
                tokens = self._vocabulary.tokens(sentence)
                stems = f" {' '.join(token.stem for token in tokens)} "
                for name in names:
                    before, found, _ = stems.partition(f" {name.normal_form} ")
                    if found:
                        votes[name][self._name_kind(before)] += 1
        return {name: self._commonest(votes[name]) for name in names}

    def _commonest(self, votes: Counter[_NameKind]) -> _NameKind:
        # Elsewhere short words before a name are many: a place never stands bare.
        if votes[_NameKind.BARE] and not self._vocabulary.is_english:
            return _NameKind.BARE
        return max(_NameKind, key=lambda kind: votes[kind])

    def _name_kind(self, before: str) -> _NameKind:
        last = before.rsplit(maxsplit=1)[-1] if before.strip() else ""
        links = last in english.PREPOSITIONS
        determined = last in english.DETERMINERS | english.ADVERBS
        if not self._vocabulary.is_english:
            determined = last in self._vocabulary.articles
            links = bool(last) and self._vocabulary.is_stop_word(last)
        if determined:
            return _NameKind.WITH_ARTICLE
        return _NameKind.PLACE if links else _NameKind.BARE


def _is_partial(term: KeyTerm, texts: Sequence[str]) -> bool:
    """Whether it is half of a longer name: "Committee of Public", "Sixteenth"."""
    if _ORDINAL.search(term.text):
        return True
    name = re.escape(term.text)
    longer = re.compile(rf"(?<=[a-z,]\s)[A-Z]\w+\s{name}\b|\b{name}\s[A-Z]")
    return is_proper(term) and any(longer.search(text) for text in texts)


def is_proper(term: KeyTerm) -> bool:
    """Whether `term` is a name like "Caesar", not a label like "B-tree" or "DNA"."""
    first = term.text.split(maxsplit=1)[0]
    return (
        term.is_name
        and len(first) > 2
        and first[1:3].isalpha()
        and (first[1:].islower())
    )


def is_plural(text: str) -> bool:
    """Whether an English noun looks like several."""
    last = text.rsplit(maxsplit=1)[-1].lower()
    return last in english.IRREGULAR_SINGULARS or (
        last.endswith("s") and not last.endswith(("ss", "us", "is"))
    )
