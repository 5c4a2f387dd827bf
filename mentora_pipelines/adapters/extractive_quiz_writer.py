"""A quiz out of the lesson's own sentences, without a key and without a network.

Here belongs the choice of the questions: one per stretch of the lesson, kinds in
turn, nothing asked twice. Not here: the sentences and their wording
(`extractive_sentences`), the wrong options (`extractive_distractors`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mentora_pipelines.adapters.extractive_distractors import Distractors, is_proper
from mentora_pipelines.adapters.extractive_sentences import (
    Gap,
    Statement,
    asked,
    blanked,
    gaps,
    statements,
)
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.key_terms import KeyTerm, key_terms
from mentora_pipelines.domain.lessons.questions import (
    Question,
    QuestionKind,
    accepted,
)
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.lessons.vocabulary import Vocabulary

MIN_STATEMENTS = 3
"""A lesson with fewer sentences that stand alone gets no quiz rather than a bad one."""

# Beyond the first hundred terms even an hour's lesson has only passing words.
_TERM_LIMIT = 100
_WANTED_KIND_BONUS = 0.6
# Read off quizzes on seven subjects: below the second nothing was worth asking;
# below the first, a better question from elsewhere was worth the uneven spread.
_GOOD_SCORE, _LEAST_SCORE = 1.0, 0.3


@dataclass(frozen=True, slots=True)
class _Point:
    """Something worth asking: a statement, the term in it, and how good it is."""

    statement: Statement
    gap: Gap
    score: float
    question: str | None
    """The wording as a multiple-choice question, where the point allows one."""


class ExtractiveQuizWriter:
    """Writes cloze and key-term questions; the same lesson gives the same quiz."""

    @property
    def fingerprint(self) -> str:
        """Names the method and its version."""
        return "extractive/v1"

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], question_count: int
    ) -> list[Question]:
        """At most `question_count` questions, in the order of the lesson.

        Every one passes the rules of `domain.lessons.questions`. A lesson too poor
        in content gets fewer, or none.
        """
        vocabulary = Vocabulary(transcript.language)
        spoken = list(statements(transcript.segments, vocabulary))
        if len(spoken) < MIN_STATEMENTS or not chunks or question_count < 1:
            return []
        texts = [segment.text for segment in transcript.segments]
        terms = key_terms(texts, transcript.language, _TERM_LIMIT)
        definitions = [s.definition for s in spoken if s.definition]
        distractors = Distractors(texts, terms, definitions, vocabulary)
        points = _points(spoken, terms, distractors, vocabulary)
        chosen = _spread(points, question_count)
        questions = _questions(chosen, chunks, distractors, vocabulary)
        return accepted(questions, transcript)[0]


def _points(
    spoken: Sequence[Statement],
    terms: Sequence[KeyTerm],
    distractors: Distractors,
    vocabulary: Vocabulary,
) -> list[_Point]:
    """Every point of the lesson worth a question, in its order."""
    best = max((term.score for term in terms), default=1.0)
    points = []
    for statement in spoken:
        for gap in gaps(statement, terms, vocabulary):
            if not _is_worth_asking(gap, statement, vocabulary):
                continue
            question = _choice_wording(statement, gap, vocabulary)
            if question and not distractors.can_choose(gap.term, statement.text):
                question = None
            score = _score(statement, gap, best)
            points.append(_Point(statement, gap, score, question))
    return points


def _is_worth_asking(gap: Gap, statement: Statement, vocabulary: Vocabulary) -> bool:
    """A term the lesson explains or comes back to, where nothing else fits as well."""
    if is_proper(gap.term) and not gap.is_whole and vocabulary.is_english:
        return False
    if statement.definition and not gap.is_subject and not gap.is_whole:
        return False
    return gap.term.is_defined or gap.term.count > 1 or is_proper(gap.term)


def _choice_wording(
    statement: Statement, gap: Gap, vocabulary: Vocabulary
) -> str | None:
    """The prompt of a multiple-choice question on this point.

    A common noun in a plain sentence gets none: too often a second option would be
    right, too ("the plant builds _____": sugar, glucose, starch). Nor does a
    sentence in another language, where the article alone may tell the answer.
    """
    if statement.definition and gap.is_subject:
        return asked(statement.definition)
    if vocabulary.is_english and is_proper(gap.term):
        sentence = blanked(statement, gap, vocabulary).removesuffix(" (two words)")
        return f"Which name completes this sentence? {sentence}"
    return None


def _score(statement: Statement, gap: Gap, best: float) -> float:
    """How good a question the point makes; the weights were set by reading quizzes."""
    score = gap.term.score / best - statement.strain
    score += 1.0 if gap.is_subject else 0.0
    score += 0.5 if gap.term.is_defined else 0.0
    score += 0.3 if gap.is_whole else 0.0
    score -= 0.8 if statement.definition and not gap.is_subject else 0.0
    words = set(gap.term.normal_form.split())
    others = [
        token
        for token in statement.tokens
        if not gap.start <= token.start < gap.end and token.stem in words
    ]
    return score - (0.3 if others else 0.0)


def _spread(points: Sequence[_Point], count: int) -> list[_Point]:
    """The best point of each of `count` equal stretches, then the best of the rest.

    Each sentence and each answer serves once. Stretches ask in turn for a point
    that allows options and for one that is not a definition.
    """
    if not points:
        return []
    begin = points[0].statement.segment.start_s
    length = (points[-1].statement.segment.end_s - begin) / count
    chosen: list[_Point] = []
    for stretch in range(count):
        inside = [
            point
            for point in points
            if stretch == min(count - 1, _stretch(point, begin, length))
            and point.score >= _GOOD_SCORE
        ]
        _take_best(inside, chosen, wants_choice=stretch % 2 == 0)
    others = [point for point in points if point.score >= _LEAST_SCORE]
    while len(chosen) < count:
        choices = sum(point.question is not None for point in chosen)
        if not _take_best(others, chosen, wants_choice=2 * choices < len(chosen)):
            break
    return sorted(chosen, key=lambda point: point.statement.segment.start_s)


def _stretch(point: _Point, begin: float, length: float) -> int:
    offset = point.statement.segment.start_s - begin
    return int(offset / length) if length > 0 else 0


def _take_best(
    points: Sequence[_Point], chosen: list[_Point], wants_choice: bool
) -> bool:
    """Add the best point that is still free to `chosen`; False when none is."""
    segments = [point.statement.segment for point in chosen]
    answers = {point.gap.term.normal_form for point in chosen}
    free = [
        point
        for point in points
        if point.statement.segment not in segments
        and point.gap.term.normal_form not in answers
    ]
    if not free:
        return False

    def worth(point: _Point) -> float:
        allows_choice = point.question is not None
        return point.score + _WANTED_KIND_BONUS * (allows_choice == wants_choice)

    chosen.append(max(free, key=worth))
    return True


def _questions(
    chosen: Sequence[_Point],
    chunks: Sequence[Chunk],
    distractors: Distractors,
    vocabulary: Vocabulary,
) -> list[Question]:
    """The points as questions, multiple choice and fill-in in turn where possible."""
    questions: list[Question] = []
    for point in chosen:
        segment = point.statement.segment
        last = questions[-1].kind if questions else QuestionKind.FILL_IN
        options: list[str] = []
        if point.question and last is QuestionKind.FILL_IN:
            options = distractors.choose(point.gap.term, point.statement.text)
        if point.question and options:
            kind, prompt = QuestionKind.MULTIPLE_CHOICE, point.question
            answer = _capitalised(point.gap.answer)
            options = _shuffled([answer, *map(_capitalised, options)], prompt)
        else:
            kind, answer = QuestionKind.FILL_IN, point.gap.answer
            prompt = blanked(point.statement, point.gap, vocabulary)
        questions.append(
            Question(
                kind=kind,
                prompt=prompt,
                options=tuple(options),
                answer=answer,
                quote=segment.text,
                chunk_index=_chunk_at(segment.start_s, chunks).index,
                start_s=segment.start_s,
                end_s=segment.end_s,
            )
        )
    return questions


def _shuffled(options: Sequence[str], prompt: str) -> list[str]:
    """An order that follows from the words alone, so that the answer's place varies."""
    return sorted(options, key=lambda option: content_hash(f"{prompt}\n{option}"))


def _capitalised(term: str) -> str:
    return term[:1].upper() + term[1:]


def _chunk_at(time_s: float, chunks: Sequence[Chunk]) -> Chunk:
    """The first chunk that covers `time_s`, else the one that begins nearest to it."""
    for chunk in chunks:
        if chunk.start_s <= time_s < chunk.end_s:
            return chunk
    return min(chunks, key=lambda chunk: abs(chunk.start_s - time_s))
