"""A quiz out of the lesson's own sentences, without a key and without a network.

Here belongs the choice of the questions: spread over the lesson, kinds in turn, nothing
asked twice. Not here: what can be asked about a sentence (`candidates`).
"""

from collections import Counter
from collections.abc import Sequence

from mentora_pipelines.adapters.extractive_quiz.candidates import candidates
from mentora_pipelines.adapters.extractive_quiz.choice import Choice
from mentora_pipelines.adapters.extractive_quiz.distractors import Distractors
from mentora_pipelines.adapters.extractive_quiz.material import Candidate, Material
from mentora_pipelines.adapters.extractive_quiz.statements import statements
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.questions import (
    BloomLevel,
    Question,
    QuizWishes,
)
from mentora_pipelines.domain.quizzes.validation import Validator
from mentora_pipelines.domain.quizzes.wording import normal
from mentora_pipelines.domain.terms.key_terms import key_terms
from mentora_pipelines.domain.terms.vocabulary import Vocabulary
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.observability.logs import log

MIN_STATEMENTS = 3
"""A lesson with fewer sentences that stand alone gets no quiz rather than a bad one."""

# Beyond the first hundred terms even an hour's lesson has only passing words.
_TERM_LIMIT = 100
# Read off quizzes on nine subjects: below the second nothing was worth asking; below
# the first, a better question from elsewhere was worth the uneven spread.
_GOOD_SCORE, _LEAST_SCORE = 1.0, 0.3

LEVELS = (BloomLevel.REMEMBER, BloomLevel.UNDERSTAND)
"""What can be asked with the words of a lesson alone."""


class ExtractiveQuizWriter:
    """Writes questions from sentences; the same lesson gives the same quiz."""

    @property
    def fingerprint(self) -> str:
        """Names the method and its version."""
        return "extractive/v3"

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """At most `wishes.question_count` questions, in the order of the lesson.

        Every one passes the validator. A lesson too poor in content gets fewer, or
        none. Raises `InvalidInput` for a level above those, or a difficulty that
        nothing in this lesson has: a quiz of other questions is not what was asked for.
        """
        if wishes.bloom_level not in {None, *LEVELS}:
            raise InvalidInput(
                f"the extractive writer asks to {' or '.join(LEVELS)}: questions to "
                f"{wishes.bloom_level} take another writer (MENTORA_QUIZ_WRITER)"
            )
        if wishes.question_count < 1:
            return []
        judged = _judged(transcript, chunks)
        _tell_refused(judged)
        sound = _unambiguous([one for one, faults in judged if not faults])
        if sound and not _wished(sound, wishes):
            asked = " and ".join(filter(None, (wishes.difficulty, wishes.bloom_level)))
            raise InvalidInput(
                f"the extractive writer finds nothing in this lesson that is {asked}"
            )
        return _spread(_free(sound, wishes), wishes)

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
            for one in _unambiguous(
                [one for one, faults in _judged(transcript, chunks) if not faults]
            )
            if normal(one.question.quote) == normal(question.quote)
            and one.question.kind is not question.kind
        ]
        if not others:
            return None
        return max(others, key=lambda one: (one.score, one.question.prompt)).question


def _judged(
    transcript: Transcript, chunks: Sequence[Chunk]
) -> list[tuple[Candidate, tuple[Fault, ...]]]:
    """All that can be asked about a lesson, with what the validator says of it."""
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
    return [(one, validator.faults(one.question)) for one in candidates(material)]


def _tell_refused(judged: Sequence[tuple[Candidate, tuple[Fault, ...]]]) -> None:
    """Say what the rules took, and of how many sentences nothing is left to ask."""
    codes = Counter(faults[0].code.value for _, faults in judged if faults)
    quotes = {one.question.quote for one, _ in judged}
    left = {one.question.quote for one, faults in judged if not faults}
    if codes:
        log(
            "info",
            "candidates refused",
            candidates=len(judged),
            refused=dict(sorted(codes.items())),
            sentences=len(quotes),
            sentences_left=len(left),
        )


def _free(some: Sequence[Candidate], wishes: QuizWishes) -> list[Candidate]:
    """Those about sentences that no approved quiz of the video asks about."""
    used = {normal(question.quote) for question in wishes.settled}
    return [one for one in some if normal(one.question.quote) not in used]


def _gist(question: Question) -> tuple[str, str]:
    """What two questions share that ask the same of one sentence."""
    return normal(question.quote), normal(question.answer)


def _unambiguous(some: Sequence[Candidate]) -> list[Candidate]:
    """Those whose prompt has one answer, not that of another sentence as well."""
    quotes: dict[str, set[str]] = {}
    for one in some:
        quotes.setdefault(one.question.prompt, set()).add(one.question.quote)
    return [one for one in some if len(quotes[one.question.prompt]) == 1]


def _spread(some: Sequence[Candidate], wishes: QuizWishes) -> list[Question]:
    """The best of each of equal stretches of the lesson, then the best of the rest.

    First of what is wished, then of what is left. Each sentence and each answer serves
    once. What a draft asks, or a discarded quiz, comes last.
    """
    if not some:
        return []
    count = wishes.question_count
    begin = some[0].question.start_s
    length = (some[-1].question.end_s - begin) / count
    seen = {_gist(question) for question in wishes.asked}
    fresh = [one for one in some if _gist(one.question) not in seen]
    choice = Choice(count, fresh)
    pools: tuple[Sequence[Candidate], ...] = (_wished(fresh, wishes), fresh, some)
    for pool in pools:
        stretches: dict[int, list[Candidate]] = {}
        for one in pool:
            if one.score >= _GOOD_SCORE:
                at = min(count - 1, _stretch(one.question, begin, length))
                stretches.setdefault(at, []).append(one)
        for at in sorted(stretches):
            choice.take_best(stretches[at])
        others = [one for one in pool if one.score >= _LEAST_SCORE]
        while choice.take_best(others):
            pass
    return sorted(choice.questions, key=lambda q: q.start_s)


def _wished(some: Sequence[Candidate], wishes: QuizWishes) -> list[Candidate]:
    """Those of the difficulty and the level that were asked for."""
    return [
        one
        for one in some
        if wishes.difficulty in {None, one.question.difficulty}
        and wishes.bloom_level in {None, one.question.bloom_level}
    ]


def _stretch(question: Question, begin: float, length: float) -> int:
    return int((question.start_s - begin) / length) if length > 0 else 0
