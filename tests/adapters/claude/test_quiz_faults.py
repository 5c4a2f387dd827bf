"""What becomes of a quiz when the provider is slow, full, unwilling or gone."""

import json
from typing import TYPE_CHECKING

import pytest

from mentora_pipelines.adapters.provider_calls.calls import ATTEMPTS
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from mentora_pipelines.errors import Absence, ProviderAway, ProviderRefused, Refusal
from tests.adapters.claude.test_quiz_writer import lesson, sentences
from tests.adapters.openai.odd_server import odd_server
from tests.fix_ai import Hosted, TestClock
from tests.local_ai_server import AiServer, Fault

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

QUESTION: dict[str, object] = {
    "kind": "fill_in",
    "prompt": "In step 0, _____ absorbs sunlight twice.",
    "options": [],
    "answer": "chlorophyll",
    "quote": "In step 0, chlorophyll absorbs sunlight twice.",
}


@pytest.fixture
def faulty(llmock: "LLMock") -> Hosted:
    """The adapters, asking a server that others wrote to break clients."""
    return Hosted(llmock.base_url("openai"), llmock.base_url("anthropic"))


def write(hosted: Hosted, count: int = 2) -> list[str]:
    """Prompts of a quiz about a short lesson."""
    transcript, chunks = lesson(sentences(10))
    questions = hosted.quiz_writer().write(transcript, chunks, QuizWishes(count))
    return [question.prompt for question in questions]


def test_a_tool_call_becomes_questions(faulty: Hosted, llmock: "LLMock") -> None:
    """Else nothing of what Claude writes is understood."""
    llmock.call_tool("write_quiz", {"questions": [QUESTION]})
    assert write(faulty) == [QUESTION["prompt"]]
    assert faulty.books.states() == ["settled"]


@pytest.mark.parametrize("status", [429, 500, 529])
def test_a_fault_that_passes_is_waited_out(
    faulty: Hosted, llmock: "LLMock", status: int
) -> None:
    """Else a busy minute at the provider costs a quiz."""
    llmock.fail(status, times=2, retry_after=1)
    llmock.call_tool("write_quiz", {"questions": [QUESTION]})
    assert write(faulty) == [QUESTION["prompt"]]
    assert faulty.books.states() == ["failed", "failed", "settled"]
    assert all(1 <= wait <= 1.25 for wait in faulty.clock.waits)


def test_an_outage_is_transient(faulty: Hosted, llmock: "LLMock") -> None:
    """Else a lesson gets no quiz because of an hour at the provider."""
    llmock.outage(status=529)
    with pytest.raises(ProviderAway) as away:
        write(faulty)
    assert away.value.reason is Absence.OVERLOADED
    assert len(llmock.requests) == ATTEMPTS


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
def test_a_stream_that_breaks_is_never_taken_for_an_answer(
    faulty: Hosted, llmock: "LLMock", fault: str
) -> None:
    """Else half a quiz is stored as a whole one."""
    llmock.call_tool("write_quiz", {"questions": [QUESTION]}, times=None)
    getattr(llmock, fault)(after_chunks=3)
    assert write(faulty) == [QUESTION["prompt"]]
    assert faulty.books.states() == ["failed", "settled"]
    llmock.assert_resilient()


def test_a_stream_that_stalls_is_given_up(faulty: Hosted, llmock: "LLMock") -> None:
    """Else a worker waits as long as a stalled provider likes."""
    faulty.timeout_s = 1.0
    llmock.call_tool("write_quiz", {"questions": [QUESTION]}, times=None)
    llmock.stall(after_chunks=2, seconds=60)
    assert write(faulty) == [QUESTION["prompt"]]
    # On a busy machine one that was only slow may stand between them.
    first, *_, last = faulty.books.states()
    assert (first, last) == ("failed", "settled")


class Hasty(TestClock):
    """A clock on which a minute passes between two looks."""

    def now(self) -> float:
        """A minute later."""
        self.seconds += 60
        return self.seconds


def test_an_answer_of_nothing_but_signs_of_life_is_given_up() -> None:
    """Else a stuck model behind a living proxy holds a worker for hours."""
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    with odd_server(
        ping * 1_000, content_type="text/event-stream", pause_s=0.002
    ) as odd:
        hosted = Hosted("", odd.url, watch=Hasty())
        with pytest.raises(ProviderAway) as away:
            write(hosted)
    assert away.value.reason is Absence.TIMEOUT
    assert odd.asked == ATTEMPTS


def test_the_more_there_is_to_write_the_longer_it_may_take(
    hosted: Hosted, ai_server: AiServer
) -> None:
    """Else a long quiz is cut off, paid for, and asked for three times more."""
    watch = TestClock()
    hosted.watch = watch

    def slow(system: str, content: str) -> list[dict[str, object]]:
        assert system, content
        watch.seconds += 500
        return [QUESTION]

    ai_server.quiz = slow
    assert write(hosted, 50) == [QUESTION["prompt"]]
    with pytest.raises(ProviderAway) as away:
        write(hosted, 2)
    assert away.value.reason is Absence.TIMEOUT


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"questions": "many"},
        {"questions": [{**QUESTION, "kind": "essay"}]},
        {"questions": [{**QUESTION, "answer": ""}]},
        {"questions": [{**QUESTION, "note": "more"}]},
    ],
)
def test_an_answer_that_breaks_the_schema_is_asked_for_once_more_then_refused(
    faulty: Hosted, llmock: "LLMock", arguments: dict[str, object]
) -> None:
    """Else nonsense is stored, or paid for again and again."""
    llmock.call_tool("write_quiz", arguments, times=None)
    with pytest.raises(ProviderRefused) as refused:
        write(faulty)
    assert refused.value.reason is Refusal.ANSWER
    assert len(llmock.requests) == 2


def test_a_call_of_another_tool_is_no_answer(faulty: Hosted, llmock: "LLMock") -> None:
    """Else what was meant for something else becomes a quiz."""
    llmock.call_tool("transfer_money", {"questions": [QUESTION]}, times=None)
    with pytest.raises(ProviderRefused, match="no call of the tool"):
        write(faulty)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (401, None, Refusal.KEY),
        (402, "billing_error", Refusal.QUOTA),
        (403, None, Refusal.KEY),
        (404, None, Refusal.MODEL),
        (413, None, Refusal.REQUEST),
    ],
)
def test_a_refusal_is_final(
    faulty: Hosted,
    llmock: "LLMock",
    status: int,
    code: str | None,
    reason: Refusal,
) -> None:
    """Else an empty account is asked a dozen times for each quiz."""
    llmock.fail(status, code=code, times=None)
    with pytest.raises(ProviderRefused) as refused:
        write(faulty)
    assert refused.value.reason is reason
    assert len(llmock.requests) == 1


def stream(stop_reason: str | None, *, error: str | None = None) -> bytes:
    """A stream that ends so, with 40 tokens in and 7 out."""
    start: dict[str, object] = {
        "type": "message_start",
        "message": {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 40, "output_tokens": 1},
        },
    }
    events: list[dict[str, object]] = [start]
    if error is not None:
        events.append({"type": "error", "error": {"type": error, "message": "hunter2"}})
    else:
        events.append(
            {
                "type": "message_delta",
                "delta": {"stop_reason": stop_reason, "stop_sequence": None},
                "usage": {"output_tokens": 7},
            }
        )
        events.append({"type": "message_stop"})
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events
    ).encode()


@pytest.mark.parametrize(
    ("stop_reason", "reason", "asked"),
    [
        ("refusal", Refusal.POLICY, 1),
        ("max_tokens", Refusal.ANSWER, 1),
        ("model_context_window_exceeded", Refusal.ANSWER, 1),
        ("end_turn", Refusal.ANSWER, 2),
        (None, Refusal.ANSWER, 2),
    ],
)
def test_an_answer_that_ended_for_another_reason_is_no_quiz(
    stop_reason: str | None, reason: Refusal, asked: int
) -> None:
    """Else a refusal, or the first half of an answer, passes for a quiz."""
    with odd_server(stream(stop_reason), content_type="text/event-stream") as odd:
        hosted = Hosted("", odd.url)
        with pytest.raises(ProviderRefused) as refused:
            write(hosted)
    assert refused.value.reason is reason
    assert odd.asked == asked
    assert hosted.books.total() == (40 * asked, 7 * asked)


def test_an_error_inside_a_stream_means_what_it_says() -> None:
    """Else an overload after the first byte passes for our own fault."""
    body = stream(None, error="overloaded_error")
    with odd_server(body, content_type="text/event-stream") as odd:
        hosted = Hosted("", odd.url)
        with pytest.raises(ProviderAway) as away:
            write(hosted)
    assert away.value.reason is Absence.OVERLOADED
    assert "hunter2" not in str(away.value)
    assert hosted.books.total()[0] == 40 * ATTEMPTS


@pytest.mark.parametrize("fault", [429, "cut", "malformed", "dies"])
def test_the_ledger_is_what_the_server_counted(
    hosted: Hosted, ai_server: AiServer, fault: Fault
) -> None:
    """Else a bill cannot be checked."""
    ai_server.faults.append(fault)
    assert len(write(hosted)) == 2
    assert len(hosted.books.entries) == len(ai_server.served) == 2
    booked_in, booked_out = hosted.books.total()
    billed_in, billed_out = ai_server.total("/v1/messages")
    if fault == "dies":
        # Nobody knows what became of it: it stands at its bound.
        assert booked_in >= billed_in
    else:
        assert booked_in == billed_in
    assert booked_out == pytest.approx(billed_out, abs=2)


def test_a_wrong_key_is_told_without_the_key(hosted: Hosted) -> None:
    """Else the key is in the log, since the server quotes it."""
    hosted.key = "sk-ant-hunter3"
    with pytest.raises(ProviderRefused) as refused:
        write(hosted)
    assert refused.value.reason is Refusal.KEY
    assert "hunter3" not in repr(refused.value) + str(refused.value.__cause__)


def test_no_error_quotes_the_lesson(hosted: Hosted, ai_server: AiServer) -> None:
    """Else a private lesson is in the log of a failed run."""
    ai_server.faults.extend(["malformed"] * 2)
    with pytest.raises(ProviderRefused) as refused:
        write(hosted)
    assert "sunlight" not in repr(refused.value)
    assert refused.value.__cause__ is None
