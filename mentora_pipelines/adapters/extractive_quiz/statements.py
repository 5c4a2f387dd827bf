"""Sentences of a lesson that make sense on a quiz sheet, and their blanks.

Here belong which sentences stand by themselves, which word of one is worth a
blank, and the wording of a prompt. Not here: distractors, or which questions make
up the quiz.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mentora_pipelines.domain.lessons.sentences import is_abbreviation
from mentora_pipelines.domain.lessons.transcripts import Segment, Word
from mentora_pipelines.domain.lessons.written_words import join_words
from mentora_pipelines.domain.quizzes.questions import BLANK
from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.definitions_of_terms import (
    Definition,
    DefinitionForm,
    definition_in,
    without_lead_in,
)
from mentora_pipelines.domain.terms.key_terms import KeyTerm
from mentora_pipelines.domain.terms.vocabulary import (
    RAREST_ZIPF,
    Token,
    Vocabulary,
    sentences_of,
)

MIN_WORDS, MAX_WORDS = 7, 32
"""Shorter sentences leave nothing to conclude from, longer ones cannot be held."""

SURELY_HEARD = 0.6
"""Below this probability a word that no word list knows is taken for a mistake: on the
sample lessons "Bigment" has 0.42, and the words that are right and as doubtful are
all in the lists."""

_MIN_OTHER_CONTENT_WORDS = 4
# Words of the speaker, not of the subject, or that point out of the sentence.
_SPOKEN = english.words(
    "i i'm i've i'll i'd me my mine let's lesson video today tomorrow yesterday "
    "welcome hello hi goodbye bye everybody thanks subscribe here episode chapter "
    "homework slide screen um uh er hmm we'll we've we're you'll that's"
)
_POINTING = english.words("this these those such")
_SECOND_PERSON = english.words("you your yours we us our ours")
_LEANING = english.words("another other also instead then former latter same")
_DEPENDENT_OPENING = re.compile(
    r"^(?:instead|then|however|therefore|thus|hence|otherwise|moreover|furthermore|"
    r"similarly|likewise|meanwhile|for\s+example|for\s+instance|in\s+other\s+words|"
    r"as\s+a\s+result|that|one|here|there|what|because\s+of\s+this|after\s+that|"
    r"in\s+contrast|yes|no|both|some|others?|each\s+of)\b",
    re.IGNORECASE,
)
_OPENINGS = {
    "de": "es er sie dies diese dieser dieses dann deshalb daher hier ich wir so man",
    "es": "esto esta este eso ella ellos ellas luego entonces así yo nosotros hoy",
    "fr": "il elle ils elles ce cela ceci cet cette ces c'est je nous on ici donc",
    "it": "questo questa lui lei essi esse poi quindi così io noi oggi qui",
    "nl": "dit deze het hij zij ze dan dus daarom ik wij we vandaag hier",
    "pt": "isto isso este esta ele ela eles elas depois então assim eu nós hoje",
}
_ASIDE = re.compile(
    r",\s+(?:(?:but|so)\s|and\s+(?:it|they|he|she|this|that|you|we)\b).*$",
    re.IGNORECASE,
)
_ITEM = r"([a-z][\w-]+(?:\s[a-z][\w-]+)?)"
_LISTED = re.compile(
    rf"(?<=\s)(?:{_ITEM},\s)?{_ITEM},?\sand\s{_ITEM}"
    r"(?=[.,]|\s(?:in|on|at|from|to|into|for|of|by|with|without)\b)"
)
_NUMERALS = {2: "two", 3: "three", 4: "four"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that can be understood without its neighbours.

    `text` is the segment's without "So, now, ..."; `strain`, from 0, grows with
    whatever makes it a poorer quiz sentence.
    """

    segment: Segment
    text: str
    tokens: tuple[Token, ...]
    definition: Definition | None
    strain: float

    @property
    def begins_with_name(self) -> bool:
        """Whether its second word has a capital, too: "Time Warner", "Louis the"."""
        return len(self.tokens) > 1 and self.tokens[1].is_capitalised


@dataclass(frozen=True, slots=True)
class Gap:
    """The one place of a statement where a key term stands, as spoken."""

    term: KeyTerm
    answer: str
    start: int
    end: int
    is_subject: bool
    """The statement defines this term."""
    is_whole: bool
    """No content word leans on the term: "_____ absorbs", not "green _____"."""


def statements(
    segments: Sequence[Segment], vocabulary: Vocabulary
) -> Iterator[Statement]:
    """The sentences of the lesson that stand by themselves, in order."""
    for segment in _single_sentences(segments):
        spoken = segment.text.strip()
        if not spoken.endswith((".", "!")) or _is_misheard(segment, vocabulary):
            continue
        text = without_lead_in(spoken) if vocabulary.is_english else spoken
        # A recogniser begins a sentence with a small letter at times.
        text = text[:1].upper() + text[1:]
        tokens = tuple(vocabulary.tokens(text))
        if not MIN_WORDS <= len(tokens) <= MAX_WORDS:
            continue
        if not _stands_alone(text, tokens, vocabulary):
            continue
        definition = definition_in(text) if vocabulary.is_english else None
        yield Statement(segment, text, tokens, definition, _strain(tokens, definition))


def _single_sentences(segments: Sequence[Segment]) -> Iterator[Segment]:
    """The sentences of the lesson, each with its own times.

    A recogniser's segment may hold several, the second of which begins with a small
    letter; how it was punctuated tells where.
    """
    for segment in segments:
        if len(sentences_of(segment.text)) == 1 or not segment.words:
            yield segment
            continue
        words: list[Word] = []
        for word in segment.words:
            words.append(word)
            bare = word.text.strip().rstrip("\"'\u201d\u2019)]")
            if bare.endswith((".", "!", "?")) and not is_abbreviation(bare):
                yield _segment_of(words)
                words = []
        if words:
            yield _segment_of(words)


def _segment_of(words: Sequence[Word]) -> Segment:
    text = join_words([word.text for word in words])
    return Segment(text, words[0].start_s, words[-1].end_s, tuple(words))


def _is_misheard(segment: Segment, vocabulary: Vocabulary) -> bool:
    """Whether a word is unknown to the language and was not heard well, either."""
    return any(
        word.probability < SURELY_HEARD
        and len(bare) > 3
        and vocabulary.knows_rarity
        and vocabulary.zipf(bare) <= RAREST_ZIPF
        for word in segment.words
        for bare in [word.text.strip(" .,;:!?\"'()").lower()]
    )


def _stands_alone(text: str, tokens: Sequence[Token], vocabulary: Vocabulary) -> bool:
    words = [token.lower for token in tokens]
    if not vocabulary.is_english:
        return words[0] not in _OPENINGS.get(vocabulary.language, "").split()
    if _DEPENDENT_OPENING.match(text) or _SPOKEN.intersection(words):
        return False
    if _POINTING.intersection(words):
        return False
    content = (at for at, word in enumerate(words) if _is_content(word))
    before_content = words[: next(content, len(words))]
    return not english.PRONOUNS.intersection(before_content) - {"one", "who"}


def _is_content(word: str) -> bool:
    return word not in english.FUNCTION_WORDS and word not in english.VERB_FORMS


def _strain(tokens: Sequence[Token], definition: Definition | None) -> float:
    words = [token.lower for token in tokens]
    # "Your deposit is the money that you ..." speaks to anybody.
    personal = definition is None and _SECOND_PERSON.intersection(words)
    addressed = 0.5 if personal else 0.0
    leaning = 0.4 if _LEANING.intersection(words) else 0.0
    # "In the second stage": a listener knows which, a reader may not.
    ordinal = 0.2 if {"first", "second", "third"}.intersection(words) else 0.0
    return addressed + leaning + ordinal


def gaps(
    statement: Statement, terms: Sequence[KeyTerm], vocabulary: Vocabulary
) -> Iterator[Gap]:
    """Every place of `statement` worth a blank, in the order of `terms`."""
    stems = [token.stem for token in statement.tokens]
    spans = {term: _places(term.normal_form.split(), stems) for term in terms}
    content = sum(not vocabulary.is_stop_word(t.lower) for t in statement.tokens)
    subject = statement.definition and vocabulary.normal_form(statement.definition.term)
    for term, places in spans.items():
        size = len(term.normal_form.split())
        if len(places) != 1 or content - size < _MIN_OTHER_CONTENT_WORDS:
            continue
        (first,) = places
        if any(
            len(longer.normal_form.split()) > size
            and any(at <= first < at + len(longer.normal_form.split()) for at in ats)
            for longer, ats in spans.items()
        ):
            continue
        run = statement.tokens[first : first + size]
        if run[-1].lower.endswith(("'s", "s'")) or any(t.after_break for t in run[1:]):
            continue
        surface = statement.text[run[0].start : run[-1].end]
        if first == 0 and term.text[:1].islower():
            surface = surface[0].lower() + surface[1:]
        yield Gap(
            term,
            surface,
            run[0].start,
            run[-1].end,
            term.normal_form == subject,
            _is_whole(statement.tokens, first, size, vocabulary),
        )


def _places(term: list[str], stems: list[str]) -> list[int]:
    last = len(stems) - len(term)
    return [at for at in range(last + 1) if stems[at : at + len(term)] == term]


def _is_whole(
    tokens: Sequence[Token], first: int, size: int, vocabulary: Vocabulary
) -> bool:
    neighbours = []
    if first and not tokens[first].after_break:
        neighbours.append(tokens[first - 1])
    after = first + size
    if after < len(tokens) and not tokens[after].after_break:
        neighbours.append(tokens[after])
    return all(
        vocabulary.is_stop_word(token.lower)
        or (vocabulary.is_english and token.lower in english.VERB_FORMS)
        for token in neighbours
    )


def blanked(statement: Statement, gap: Gap, vocabulary: Vocabulary) -> str:
    """The statement with a blank for the term, as the prompt of a question."""
    before, after = statement.text[: gap.start], statement.text[gap.end :]
    if not vocabulary.is_english:
        return f"{before}{BLANK}{after}"
    # "a" or "an" would tell the first letter of the answer.
    before = re.sub(r"\b([Aa])n? $", r"\1(n) ", before)
    words = len(gap.answer.split())
    hint = f" ({_NUMERALS[words]} words)" if words in _NUMERALS else ""
    return f"{before}{BLANK}{after}{hint}"


def without_aside(description: str) -> str:
    """A description without what is said beside it, as ", so it costs nothing"."""
    return _ASIDE.sub("", description).strip().rstrip(".!")


def asked(definition: Definition) -> str | None:
    """The question a definition answers, or None when it would be too long."""
    description = without_aside(definition.description)
    if not MIN_WORDS <= len(description.split()) + 3 <= MAX_WORDS:
        return None
    if definition.form is DefinitionForm.NAMED:
        opening, _, rest = description.partition(" ")
        if opening.lower() in english.DETERMINERS:
            description = f"{opening.lower()} {rest}"
        return f"What {definition.verb} {description} called?"
    return f"Which of these {definition.verb} {description}?"


def listed(statement: Statement) -> tuple[int, int, tuple[str, ...]] | None:
    """Where a statement lists two or three things, and which; None when it does not.

    Each is one or two words of meaning, and nothing belongs to the last one alone.
    """
    for found in _LISTED.finditer(statement.text):
        start, items = found.start(), [item for item in found.groups() if item]
        first, _, rest = items[0].partition(" ")
        if rest and not _is_content(first.lower()):
            # "takes in water and minerals" lists water, not "in water".
            start, items[0] = start + len(first) + 1, rest
        words = [word.lower() for item in items for word in item.split()]
        if all(_is_content(word) for word in words):
            return start, found.end(), tuple(items)
    return None
