"""Rivals: wrong options that the lesson makes right, or as right as the answer.

Here belongs what the sentences say of the wrong options. Not here: whether the quote
supports the right one (`evidence`), or options among themselves (`options`).
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from mentora_pipelines.domain.quizzes.faults import Fault, FaultCode
from mentora_pipelines.domain.quizzes.questions import Question, QuestionKind
from mentora_pipelines.domain.quizzes.wording import (
    clauses_of,
    content_roots,
    has_words,
    negations_in,
    normal,
    numbers_in,
    opposite_in,
)
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

_NAME_WORDS = 3
"""An option of so few words names a thing; a longer one tells of it."""

_TELLING_WORDS = 3
"""A sentence that has so many words of the prompt, all of them, is about it."""

_EVERYDAY_ZIPF = 3.6
"""From here on a word is one of every day: "banana" has 3.7, "helium" 3.3."""

_LEADING_PRONOUN = re.compile(r"^(?:it|they|he|she|that)\s+", re.IGNORECASE)
_JOINED = r"(?:\s*,\s*|\s*,?\s+(?:and|or|as well as)\s+)(?:(?:an?|the|from|of|to)\s+)?"
_WHICH_IS = re.compile(
    r"^\s*which\s+of\s+(?:these|the\s+following)\s+(?:is|are)\s", re.IGNORECASE
)
# "Which gas" and "Who" say themselves of what kind the options are.
_WHAT = re.compile(
    r"^\s*what\s+(?:(?:is|are|was|were|do|does|did|can|makes?)\s|\w+s\s)", re.IGNORECASE
)
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)


class Rivals:
    """The sentences of a lesson, asked what they say of wrong options."""

    def __init__(
        self,
        sentences: Sequence[str],
        lesson_roots: AbstractSet[str],
        vocabulary: Vocabulary,
    ) -> None:
        self._sentences = [normal(sentence) for sentence in sentences]
        self._lesson_roots = lesson_roots
        self._vocabulary = vocabulary

    def faults(self, question: Question) -> Iterator[Fault]:
        """Wrong options that are right, and those that nobody could take for right."""
        asked = set(content_roots(question.prompt, self._vocabulary))
        yield from self._in_quote(question, asked)
        if not self._vocabulary.is_english:
            return
        yield from self._elsewhere(question, asked)
        if (
            _WHAT.search(question.prompt)
            and question.distractors
            and all(map(self._is_stranger, question.distractors))
        ):
            yield Fault(
                FaultCode.GIVEN_AWAY, "the lesson speaks of none of the wrong options"
            )

    def _is_stranger(self, option: str) -> bool:
        """Whether it is an everyday thing of which the lesson never speaks.

        A rare word may be a name, or of the very kind that is asked for.
        """
        roots = content_roots(option, self._vocabulary)
        words = _ARTICLE.sub("", option).split()
        return (
            0 < len(words) <= _NAME_WORDS
            and len(roots) == len(words)
            and not any(root in self._lesson_roots for root in roots)
            and not numbers_in(option, self._vocabulary)
            # Every option begins with a capital; a second one is of a name.
            and not any(word[0].isupper() for word in option.split()[1:])
            and all(self._vocabulary.zipf(word) >= _EVERYDAY_ZIPF for word in words)
        )

    def _elsewhere(self, question: Question, asked: set[str]) -> Iterator[Fault]:
        """Wrong options of which another sentence says what the prompt asks.

        A single word that is asked about is enough where the option is what that
        sentence speaks of: "the stem is a part of a plant".
        """
        quote = normal(question.quote)
        is_which = _WHICH_IS.search(question.prompt)
        for option in question.distractors:
            bare = _ARTICLE.sub("", _LEADING_PRONOUN.sub("", normal(option)))
            own = set(content_roots(option, self._vocabulary))
            wanted = asked - own
            for sentence in self._sentences:
                # Most hold nothing of it: the cheap look comes first.
                if bare not in sentence or sentence in quote:
                    continue
                if not has_words(sentence, bare):
                    continue
                said = set(content_roots(sentence, self._vocabulary))
                subject = _ARTICLE.sub("", sentence).startswith(f"{bare} ")
                if not (
                    wanted and wanted <= said and self._means_it(question, sentence)
                ):
                    continue
                if (is_which and subject) or len(wanted) >= 3:
                    yield Fault(
                        FaultCode.AMBIGUOUS, f"the lesson says it of {option!r} as well"
                    )
                    return

    @staticmethod
    def _means_it(question: Question, sentence: str) -> bool:
        return (
            opposite_in(question.prompt, sentence) is None
            and negations_in(question.prompt) == negations_in(sentence)
            and not any(has_words(sentence, answer) for answer in question.answers)
        )

    def _in_quote(self, question: Question, asked: set[str]) -> Iterator[Fault]:
        """Wrong options that the quote makes right, or as right as the answer."""
        quote = normal(question.quote)
        for option in question.distractors:
            rival = _LEADING_PRONOUN.sub("", option)
            if not has_words(quote, rival):
                continue
            if any(_are_joined(quote, answer, rival) for answer in question.answers):
                yield Fault(
                    FaultCode.AMBIGUOUS, f"the quote makes {option!r} right as well"
                )
            elif question.kind is QuestionKind.MULTIPLE_CHOICE and self._is_as_near(
                quote, rival, _LEADING_PRONOUN.sub("", question.answer), asked
            ):
                yield Fault(
                    FaultCode.UNSUPPORTED,
                    f"the quote says it of {option!r} as much as of the answer",
                )

    def _is_as_near(self, quote: str, rival: str, answer: str, asked: set[str]) -> bool:
        """Whether what is asked stands no nearer to the answer than to the rival.

        Where both stand in the same clause, the words alone cannot tell.
        """
        if not has_words(quote, answer):
            # The quote has the rival word for word, of the answer only a part.
            return len(answer.split()) <= _NAME_WORDS or len(rival.split()) > 1
        if any(
            has_words(clause, rival) and has_words(clause, answer)
            for clause in clauses_of(quote)
        ):
            return False
        return self._nearest(quote, rival, asked) >= self._nearest(quote, answer, asked)

    def _nearest(self, quote: str, option: str, asked: set[str]) -> int:
        """How many of the words asked for stand in one clause with the option."""
        own = set(content_roots(option, self._vocabulary))
        return max(
            (
                len((asked - own) & set(content_roots(clause, self._vocabulary)))
                for clause in clauses_of(quote)
                if has_words(clause, option)
            ),
            default=0,
        )


def _are_joined(quote: str, one: str, other: str) -> bool:
    """Whether the quote names both in one breath: "water and minerals"."""
    some, others = re.escape(normal(one)), re.escape(normal(other))
    return any(
        re.search(rf"(?<!\w){a}{_JOINED}(?:[\w' -]+,\s*)?{b}(?!\w)", quote)
        for a, b in ((some, others), (others, some))
    )
