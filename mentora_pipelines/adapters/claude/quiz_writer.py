"""A quiz by Claude: section by section, each question tied to the words it stands on.

Here belong the requests and the translation of what comes back. Not here: which
questions may be stored (`domain/quizzes/validation`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import ValidationError

from mentora_pipelines.adapters.claude.client import (
    PROVIDER,
    ClaudeClient,
    Prompt,
)
from mentora_pipelines.adapters.claude.grounding import Passage
from mentora_pipelines.adapters.claude.quiz_prompt import (
    TOOL,
    VERSION,
    quiz_prompt,
    repair_prompt,
)
from mentora_pipelines.adapters.claude.quiz_schema import WrittenQuestion, WrittenQuiz
from mentora_pipelines.adapters.claude.sections import Section, sections_of
from mentora_pipelines.adapters.openai.tokens import count_tokens
from mentora_pipelines.adapters.provider_calls.calls import Answer, ProviderCalls
from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import Transcript
from mentora_pipelines.domain.quizzes.faults import Fault
from mentora_pipelines.domain.quizzes.paid_answers import NOTHING_PAID, PaidAnswers
from mentora_pipelines.domain.quizzes.questions import Question, QuizWishes
from mentora_pipelines.domain.spending.usage import (
    PLATFORM,
    Operation,
    Payer,
    PlannedCall,
    Unit,
)

TOKENS_PER_QUESTION = 500
TOKENS_PER_QUIZ = 500
"""Of output at most: a question with four options and its quote is about 200."""

REPAIR_SENTENCES = 8
"""Before and after the refused question's own: about a minute each way."""

REPAIR_TOKENS = 1_600
"""What a repair says besides the transcript: the instructions, and a question that is
as long as the schema allows."""

TOKEN_RATIO = 2.0
"""Claude's tokens for one of cl100k at most: its own tokenizer is not public. The
newest makes up to 1.35 times as many as the one before, and that up to 1.3 times as
many as cl100k."""

TOOL_TOKENS = 1_000
"""What the service adds to a request with a tool: at most 700, by its documentation."""


class ClaudeQuizWriter:
    """Satisfies `QuizWriter`, `Billed`, `Remembers` and `PlansQuiz`."""

    def __init__(
        self,
        client: ClaudeClient,
        calls: ProviderCalls,
        payer: Payer = PLATFORM,
        answers: PaidAnswers = NOTHING_PAID,
    ) -> None:
        self._client = client
        self._calls = calls
        self._payer = payer
        self._answers = answers

    @property
    def fingerprint(self) -> str:
        """Names the model and the version of what it is asked."""
        return f"claude/{self._client.model}/prompt {VERSION}"

    def paid_by(self, payer: Payer) -> "ClaudeQuizWriter":
        """The same writer, its requests booked to `payer`."""
        return ClaudeQuizWriter(self._client, self._calls, payer, self._answers)

    def remembering(self, answers: PaidAnswers) -> "ClaudeQuizWriter":
        """The same writer, which asks for no answer that is there."""
        return ClaudeQuizWriter(self._client, self._calls, self._payer, answers)

    def check_reachable(self) -> None:
        """Raise `MentoraError` unless the service answers and knows the model."""
        self._client.check_model()

    def plan(
        self,
        transcript: Transcript,
        chunks: Sequence[Chunk],  # noqa: ARG002  (the port's)
        wishes: QuizWishes,
    ) -> list[PlannedCall]:
        """Its requests with the most tokens that each can use up.

        First those that write, then one for each question that may have to be repaired.
        """
        orders = self._orders(transcript, wishes)
        writing = [order.call for order in orders if self._known(order) is None]
        return [*writing, *self._repairs(transcript, wishes.question_count)]

    def write(
        self, transcript: Transcript, chunks: Sequence[Chunk], wishes: QuizWishes
    ) -> list[Question]:
        """At most `wishes.question_count` questions, in the order of the lesson.

        The budget must suffice for all sections before the first is asked about; each
        answer is kept before the next is asked for.
        """
        orders = self._orders(transcript, wishes)
        missing = [order.call for order in orders if self._known(order) is None]
        questions: list[Question] = []
        with self._calls.hold(self._payer, missing):
            for order in orders:
                questions += _grounded(self._answer(order), order.section, chunks)
        return sorted(questions, key=lambda one: (one.start_s, one.end_s))

    def repair(
        self,
        transcript: Transcript,
        chunks: Sequence[Chunk],
        question: Question,
        faults: Sequence[Fault],
    ) -> Question | None:
        """What Claude makes of a refused question when it is told why."""
        section = _around(question, transcript)
        prompt = repair_prompt(
            (segment.text for segment in section.segments),
            question,
            faults,
            transcript.language,
        )
        order = self._order(prompt, section)
        (most,) = self._repairs(transcript, 1)
        if order.call.input_units > most.input_units:
            return None  # so long a question is not worth more than was planned
        found = _grounded(self._answer(order), section, chunks)
        return found[0] if found else None

    def _repairs(self, transcript: Transcript, count: int) -> list[PlannedCall]:
        """The most that repairing every question can use up."""
        if not transcript.segments:
            return []
        tokens = count_tokens([segment.text for segment in transcript.segments])
        around = 2 * REPAIR_SENTENCES + 1
        most = max(
            sum(tokens[first : first + around])
            for first in range(max(1, len(tokens) - around + 1))
        )
        planned = PlannedCall(
            PROVIDER,
            self._client.model,
            Operation.QUIZ,
            Unit.TOKENS,
            round((most + REPAIR_TOKENS) * TOKEN_RATIO) + TOOL_TOKENS,
            TOKENS_PER_QUIZ + TOKENS_PER_QUESTION + self._client.thinking_tokens,
            video_id=self._payer.video_id,
        )
        return [planned] * count

    def _orders(self, transcript: Transcript, wishes: QuizWishes) -> "list[_Order]":
        return [
            self._order(_prompt(section, transcript, wishes), section)
            for section in _sections(transcript, wishes.question_count)
        ]

    def _order(self, prompt: Prompt, section: Section) -> "_Order":
        sent = sum(count_tokens([prompt.system, prompt.content]))
        call = PlannedCall(
            PROVIDER,
            self._client.model,
            Operation.QUIZ,
            Unit.TOKENS,
            round(sent * TOKEN_RATIO) + TOOL_TOKENS,
            _room(section) + self._client.thinking_tokens,
            video_id=self._payer.video_id,
        )
        return _Order(prompt, section, call)

    def _answer(self, order: "_Order") -> WrittenQuiz:
        """What was answered before, or is answered now and kept."""
        known = self._known(order)
        if known is not None:
            return known
        quiz = self._calls.send(self._payer, order.call, partial(self._ask, order))
        self._answers.keep(order.request_hash, quiz.model_dump_json())
        return quiz

    def _known(self, order: "_Order") -> WrittenQuiz | None:
        answer = self._answers.recall(order.request_hash)
        if answer is None:
            return None
        try:
            return WrittenQuiz.model_validate_json(answer)
        except ValidationError:
            return None  # kept by a release that asked for another shape

    def _ask(self, order: "_Order") -> Answer[WrittenQuiz]:
        return self._client.call_tool(TOOL, order.prompt, _room(order.section))


@dataclass(frozen=True, slots=True)
class _Order:
    """One request: what is asked about which sentences, and what it takes at most."""

    prompt: Prompt
    section: Section
    call: PlannedCall

    @property
    def request_hash(self) -> str:
        """Names what is asked; whom, the quiz names that it is for."""
        count = self.section.question_count
        return content_hash(f"{count}\n{self.prompt.system}\n{self.prompt.content}")


def _room(section: Section) -> int:
    return TOKENS_PER_QUIZ + TOKENS_PER_QUESTION * section.question_count


def _sections(transcript: Transcript, question_count: int) -> list[Section]:
    texts = [segment.text for segment in transcript.segments]
    return sections_of(transcript.segments, count_tokens(texts), question_count)


def _around(question: Question, transcript: Transcript) -> Section:
    """The sentences about a question, and some before and after them."""
    places = [
        place
        for place, segment in enumerate(transcript.segments)
        if segment.start_s < question.end_s and segment.end_s > question.start_s
    ] or [0]
    # One whose quote was never said stands over a whole section.
    middle = places[len(places) // 2]
    first = max(0, middle - REPAIR_SENTENCES)
    return Section(transcript.segments[first : middle + REPAIR_SENTENCES + 1], 1)


def _prompt(section: Section, transcript: Transcript, wishes: QuizWishes) -> Prompt:
    return quiz_prompt(
        (segment.text for segment in section.segments),
        section.question_count,
        transcript.language,
        wishes,
    )


def _grounded(
    quiz: WrittenQuiz, section: Section, chunks: Sequence[Chunk]
) -> list[Question]:
    """The questions that were asked for, each with its place in the lesson.

    One whose quote was never said stands over the whole section, so that the rules
    refuse it and keep it with the reason.
    """
    passage = Passage(section.segments)
    return [
        _question(written, passage, section, chunks)
        for written in quiz.questions[: section.question_count]
    ]


def _question(
    written: WrittenQuestion,
    passage: Passage,
    section: Section,
    chunks: Sequence[Chunk],
) -> Question:
    found = passage.find(written.quote)
    if found is None:
        quote, first, last = written.quote, section.segments[0], section.segments[-1]
    else:
        quote, first, last = found
    return Question(
        kind=written.kind,
        prompt=written.prompt,
        options=tuple(written.options),
        answer=written.answer,
        quote=quote,
        chunk_index=_chunk_index(first.start_s, chunks),
        start_s=first.start_s,
        end_s=last.end_s,
        further_answers=tuple(written.further_answers),
        difficulty=written.difficulty,
        bloom_level=written.bloom_level,
    )


def _chunk_index(time_s: float, chunks: Sequence[Chunk]) -> int:
    """The chunk that covers a moment, else the one that begins nearest to it."""
    nearest = min(
        chunks,
        key=lambda chunk: (
            not chunk.start_s <= time_s < chunk.end_s,
            abs(chunk.start_s - time_s),
        ),
    )
    return nearest.index
