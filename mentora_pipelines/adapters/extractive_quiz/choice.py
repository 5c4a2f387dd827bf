"""Choice: which of the candidates make up one quiz.

Kinds in turn, nothing asked twice, and no question that gives away another one. Here
belongs what a candidate is worth beside those that are chosen. Not here: from which
stretch of the lesson one is taken (`writer`).
"""

from collections import Counter
from collections.abc import Sequence

from mentora_pipelines.adapters.extractive_quiz.material import Candidate
from mentora_pipelines.domain.quizzes.clues import share_options, shows
from mentora_pipelines.domain.quizzes.questions import Question, QuestionKind
from mentora_pipelines.domain.quizzes.wording import normal, plain_words

# Read off quizzes on nine subjects.
_ALIKE_SHARE = 0.65
_SAME_OPENING, _SAME_MEANING, _BLOCKING = 0.6, 0.4, 1.0
_KIND_WEIGHT = 3.0
"""A kind that has less than its share comes before a better question of another."""

SHARES = {
    QuestionKind.MULTIPLE_CHOICE: 0.3,
    QuestionKind.SHORT_ANSWER: 0.3,
    QuestionKind.FILL_IN: 0.15,
    QuestionKind.TRUE_FALSE: 0.15,
    QuestionKind.MULTIPLE_ANSWER: 0.1,
}
"""The mix of kinds that is aimed at, where the lesson allows it."""


class Choice:
    """The questions chosen so far, of `wanted`."""

    def __init__(self, wanted: int, some: Sequence[Candidate]) -> None:
        self.wanted = wanted
        self._blocked = _blocked(some)
        self._chosen: list[Candidate] = []
        self._clashing: set[int] = set()
        self._compared: Counter[int] = Counter()

    @property
    def questions(self) -> list[Question]:
        """Those that were chosen, in the order of the choice."""
        return [one.question for one in self._chosen]

    def take_best(self, some: Sequence[Candidate]) -> bool:
        """Add the best candidate that is still free; False when none is, or is wanted.

        Each sentence and each answer serves once.
        """
        if len(self._chosen) >= self.wanted:
            return False
        quotes = {one.question.quote for one in self._chosen}
        points = {one.point for one in self._chosen}
        free = [
            one
            for one in some
            if one.question.quote not in quotes
            and one.point not in points
            and not self._clashes(one)
        ]
        if not free:
            return False
        self._chosen.append(max(free, key=self._worth))
        return True

    def _clashes(self, one: Candidate) -> bool:
        """Whether it does not go with a chosen one; each pair is compared once."""
        fresh = self._chosen[self._compared[id(one)] :]
        self._compared[id(one)] = len(self._chosen)
        if any(_clash(one.question, other.question) for other in fresh):
            self._clashing.add(id(one))
        return id(one) in self._clashing

    def _worth(self, one: Candidate) -> tuple[float, str]:
        question = one.question
        kinds = Counter(other.kind for other in self.questions)
        answers = Counter(other.answer for other in self.questions)
        openings = Counter(_opening(other) for other in self.questions)
        missing = SHARES[question.kind] * (len(self._chosen) + 1) - kinds[question.kind]
        value = one.score + _KIND_WEIGHT * min(missing, 0.5)
        if not question.kind.has_options:
            value -= _BLOCKING * self._blocked[question.answer]
        if question.kind is QuestionKind.TRUE_FALSE:
            # Statements are true and false in turn.
            value -= 0.5 * answers[question.answer]
        if question.kind is not QuestionKind.FILL_IN:
            value -= _SAME_OPENING * openings[_opening(question)]
        value -= _SAME_MEANING * sum(_meet(question, other) for other in self.questions)
        return value, question.prompt


def _blocked(some: Sequence[Candidate]) -> Counter[str]:
    """In how many questions each answer that is written would stand to be read.

    Of a sentence of which half the questions show it, half a one counts.
    """
    by_quote: dict[str, list[str]] = {}
    for one in some:
        shown = "\n".join((one.question.prompt, *one.question.options))
        by_quote.setdefault(one.question.quote, []).append(normal(shown))
    written = {one.question.answer for one in some if not one.question.kind.has_options}
    return Counter(
        {
            answer: sum(
                sum(wanted in text for text in texts) / len(texts)
                for texts in by_quote.values()
            )
            for answer in written
            for wanted in [normal(answer.rstrip("."))]
        }
    )


def _meet(some: Question, other: Question) -> bool:
    """Whether the right answer of one is a wrong one of the other."""
    return not {some.kind, other.kind} & {QuestionKind.TRUE_FALSE} and (
        some.answer in other.distractors or other.answer in some.distractors
    )


def _clash(some: Question, other: Question) -> bool:
    """Whether one answers the other, or the two are a drill."""
    return (
        shows(some, other)
        or shows(other, some)
        or share_options(some, other)
        or _look_alike(some, other)
        or _are_swapped(some, other)
    )


def _are_swapped(some: Question, other: Question) -> bool:
    """Whether each statement says of the one what is true of the other."""
    return some.kind is other.kind is QuestionKind.TRUE_FALSE and (
        _opening(some) == _opening_of(other.quote)
        and _opening(other) == _opening_of(some.quote)
    )


def _look_alike(some: Question, other: Question) -> bool:
    """Whether they differ in a word or two: one after the other is a drill."""
    return any(
        len(words & others) >= _ALIKE_SHARE * len(words | others)
        for texts in ((some.prompt, other.prompt), (some.quote, other.quote))
        for words, others in [tuple(set(plain_words(text)) for text in texts)]
    )


def _opening(question: Question) -> str:
    """How a prompt begins: "Which of these" ten times over tires."""
    return _opening_of(question.prompt)


def _opening_of(text: str) -> str:
    return " ".join(text.split()[:2])
