"""A quiz out of the lesson's own sentences, without a key and without a network.

Here belongs the choice of the questions: spread over the lesson, kinds in turn, nothing
asked twice. Not here: what can be asked about a sentence (`candidates`).
"""

from collections import Counter
from collections.abc import Sequence

from mentora_pipelines.adapters.extractive_quiz.candidates import candidates
from mentora_pipelines.adapters.extractive_quiz.distractors import Distractors
from mentora_pipelines.adapters.extractive_quiz.material import Candidate, Material
from mentora_pipelines.adapters.extractive_quiz.statements import statements
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.questions import (
    Question,
    QuestionKind,
    QuizWishes,
)
from mentora_pipelines.domain.quizzes.validation import Validator
from mentora_pipelines.domain.quizzes.wording import normal, plain_words
from mentora_pipelines.domain.terms.key_terms import key_terms
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

MIN_STATEMENTS = 3
"""A lesson with fewer sentences that stand alone gets no quiz rather than a bad one."""

# Beyond the first hundred terms even an hour's lesson has only passing words.
_TERM_LIMIT = 100
# Read off quizzes on nine subjects: below the second nothing was worth asking; below
# the first, a better question from elsewhere was worth the uneven spread.
_GOOD_SCORE, _LEAST_SCORE = 1.0, 0.3
_WISH_BONUS = 1.0
_ALIKE_SHARE = 0.65
_SAME_OPENING = 0.6
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


class ExtractiveQuizWriter:
    """Writes questions from sentences; the same lesson gives the same quiz."""

    @property
    def fingerprint(self) -> str:
        """Names the method and its version."""
        return "extractive/v2"

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """At most `wishes.question_count` questions, in the order of the lesson.

        Every one passes the validator. A lesson too poor in content gets fewer, or
        none.
        """
        if wishes.question_count < 1:
            return []
        free = _not_asked(_sound(transcript, chunks), wishes.asked)
        return _spread(_unambiguous(free), wishes)

    def repair(
        self,
        transcript: Transcript,
        chunks: Sequence[Chunk],
        question: Question,
        faults: Sequence[Fault],  # noqa: ARG002  (another kind mends any of them)
    ) -> Question | None:
        """Another question on the same sentence, in another kind, or None."""
        others = [
            one
            for one in _unambiguous(_sound(transcript, chunks))
            if normal(one.question.quote) == normal(question.quote)
            and one.question.kind is not question.kind
        ]
        if not others:
            return None
        return max(others, key=lambda one: (one.score, one.question.prompt)).question


def _sound(transcript: Transcript, chunks: Sequence[Chunk]) -> list[Candidate]:
    """All that can be asked about a lesson and passes the validator."""
    vocabulary = Vocabulary(transcript.language)
    spoken = list(statements(transcript.segments, vocabulary))
    if len(spoken) < MIN_STATEMENTS or not chunks:
        return []
    texts = [segment.text for segment in transcript.segments]
    terms = key_terms(texts, transcript.language, _TERM_LIMIT)
    definitions = [s.definition for s in spoken if s.definition]
    distractors = Distractors(texts, terms, definitions, vocabulary)
    material = Material(spoken, terms, distractors, chunks, vocabulary)
    validator = Validator(transcript)
    return [one for one in candidates(material) if not validator.faults(one.question)]


def _not_asked(some: Sequence[Candidate], asked: Sequence[Question]) -> list[Candidate]:
    """Those about sentences that no other quiz of the video asks about."""
    used = {normal(question.quote) for question in asked}
    return [one for one in some if normal(one.question.quote) not in used]


def _unambiguous(some: Sequence[Candidate]) -> list[Candidate]:
    """Those whose prompt has one answer, not that of another sentence as well."""
    quotes: dict[str, set[str]] = {}
    for one in some:
        quotes.setdefault(one.question.prompt, set()).add(one.question.quote)
    return [one for one in some if len(quotes[one.question.prompt]) == 1]


def _spread(some: Sequence[Candidate], wishes: QuizWishes) -> list[Question]:
    """The best of each of equal stretches of the lesson, then the best of the rest.

    Each sentence and each answer serves once.
    """
    if not some:
        return []
    count = wishes.question_count
    begin = some[0].question.start_s
    length = (some[-1].question.end_s - begin) / count
    chosen: list[Candidate] = []
    for stretch in range(count):
        inside = [
            one
            for one in some
            if one.score >= _GOOD_SCORE
            and stretch == min(count - 1, _stretch(one.question, begin, length))
        ]
        _take_best(inside, chosen, wishes)
    others = [one for one in some if one.score >= _LEAST_SCORE]
    while len(chosen) < count and _take_best(others, chosen, wishes):
        pass
    return sorted((one.question for one in chosen), key=lambda q: q.start_s)


def _look_alike(some: Question, other: Question) -> bool:
    """Whether they differ in a word or two: one after the other is a drill."""
    return any(
        len(words & others) >= _ALIKE_SHARE * len(words | others)
        for texts in ((some.prompt, other.prompt), (some.quote, other.quote))
        for words, others in [tuple(set(plain_words(text)) for text in texts)]
    )


def _opening(question: Question) -> str:
    """How a prompt begins: "Which of these" ten times over tires."""
    return " ".join(question.prompt.split()[:2])


def _stretch(question: Question, begin: float, length: float) -> int:
    return int((question.start_s - begin) / length) if length > 0 else 0


def _take_best(
    some: Sequence[Candidate], chosen: list[Candidate], wishes: QuizWishes
) -> bool:
    """Add the best candidate that is still free to `chosen`; False when none is."""
    quotes = {one.question.quote for one in chosen}
    points = {one.point for one in chosen}
    free = [
        one
        for one in some
        if one.question.quote not in quotes
        and one.point not in points
        and not any(_look_alike(one.question, other.question) for other in chosen)
    ]
    if not free:
        return False
    kinds = Counter(one.question.kind for one in chosen)
    answers = Counter(one.question.answer for one in chosen)
    openings = Counter(_opening(one.question) for one in chosen)

    def worth(one: Candidate) -> tuple[float, str]:
        question = one.question
        missing = SHARES[question.kind] * (len(chosen) + 1) - kinds[question.kind]
        value = one.score + _KIND_WEIGHT * min(missing, 0.5)
        if question.kind is QuestionKind.TRUE_FALSE:
            # Statements are true and false in turn.
            value -= 0.5 * answers[question.answer]
        if question.kind is not QuestionKind.FILL_IN:
            value -= _SAME_OPENING * openings[_opening(question)]
        value += _WISH_BONUS * (question.difficulty is wishes.difficulty)
        value += _WISH_BONUS * (question.bloom_level is wishes.bloom_level)
        return value, question.prompt

    chosen.append(max(free, key=worth))
    return True
