"""What becomes of embeddings when the provider is slow, full, wrong or gone."""

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mentora_pipelines.adapters.provider_calls.breaker import FAILURES, PAUSE_S
from mentora_pipelines.adapters.provider_calls.calls import ATTEMPTS, DEADLINE_S
from mentora_pipelines.adapters.provider_calls.faults import RETRY_AFTER_CAP_S
from mentora_pipelines.adapters.provider_calls.pace import Quota
from mentora_pipelines.errors import (
    Absence,
    OverBudget,
    PermanentError,
    ProviderAway,
    ProviderRefused,
    Refusal,
)
from tests.fix_ai import Hosted
from tests.local_ai_server import KEY, AiServer, Fault

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

TEXTS = ["photosynthesis", "binary search"]


@pytest.fixture
def faulty(llmock: "LLMock") -> Hosted:
    """The adapters, asking a server that others wrote to break clients."""
    return Hosted(llmock.base_url("openai"), llmock.base_url("anthropic"))


def test_a_storm_of_429_is_waited_out_with_the_batch_whole(
    faulty: Hosted, llmock: "LLMock"
) -> None:
    """Else a busy minute costs a lesson, or a request a text."""
    llmock.rate_limit(times=3, retry_after=2)
    assert faulty.embedder().embed(TEXTS).shape == (2, 1536)
    inputs = [(request.body or {})["input"] for request in llmock.requests]
    assert inputs == [TEXTS] * 4
    assert len(faulty.clock.waits) == 3
    assert all(2 <= wait <= 2.5 for wait in faulty.clock.waits)
    assert faulty.books.states() == ["failed"] * 3 + ["settled"]


def test_a_retry_after_of_a_day_costs_the_cap(faulty: Hosted, llmock: "LLMock") -> None:
    """Else one header holds a worker until tomorrow."""
    llmock.rate_limit(times=None, retry_after=86_400)
    with pytest.raises(ProviderAway) as away:
        faulty.embedder().embed(TEXTS)
    assert away.value.reason is Absence.RATE_LIMITED
    assert sum(faulty.clock.waits) <= DEADLINE_S
    assert max(faulty.clock.waits) <= 1.25 * RETRY_AFTER_CAP_S
    assert away.value.wait_s <= RETRY_AFTER_CAP_S


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_a_provider_that_is_down_is_asked_a_few_times_and_then_left_alone(
    faulty: Hosted, llmock: "LLMock", status: int
) -> None:
    """Else every lesson waits a minute at a dead provider, and beats on it."""
    llmock.outage(status=status)
    embedder = faulty.embedder()
    with pytest.raises(ProviderAway):
        embedder.embed(TEXTS)
    assert len(llmock.requests) == ATTEMPTS == FAILURES
    with pytest.raises(ProviderAway) as paused:
        embedder.embed(TEXTS)
    assert paused.value.reason is Absence.PAUSED
    assert paused.value.wait_s == pytest.approx(PAUSE_S)
    assert len(llmock.requests) == ATTEMPTS
    llmock.reset()
    faulty.clock.seconds += PAUSE_S
    assert embedder.embed(TEXTS).shape == (2, 1536)


def test_one_dead_provider_keeps_nobody_from_another(
    faulty: Hosted, ai_server: AiServer, llmock: "LLMock"
) -> None:
    """Else a lesson fails because of a provider that it does not need."""
    llmock.outage()
    with pytest.raises(ProviderAway):
        faulty.embedder().embed(TEXTS)
    other = Hosted(f"{ai_server.url}/v1", ai_server.url)
    assert len(other.embedder().embed(TEXTS)) == 2


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (401, "invalid_api_key", Refusal.KEY),
        (403, None, Refusal.KEY),
        (429, "insufficient_quota", Refusal.QUOTA),
        (400, "content_policy_violation", Refusal.POLICY),
        (400, None, Refusal.REQUEST),
        (404, "model_not_found", Refusal.MODEL),
    ],
)
def test_a_refusal_is_final(
    faulty: Hosted,
    llmock: "LLMock",
    status: int,
    code: str | None,
    reason: Refusal,
) -> None:
    """Else an empty account is asked a dozen times for each lesson."""
    llmock.fail(status, code=code, times=None)
    with pytest.raises(ProviderRefused) as refused:
        faulty.embedder().embed(TEXTS)
    assert refused.value.reason is reason
    assert len(llmock.requests) == 1
    assert faulty.books.states() == ["failed"]
    assert faulty.books.total() == (0, 0)


def test_nobody_is_asked_sooner_than_the_provider_wants(llmock: "LLMock") -> None:
    """Else a limit that would pass becomes a ban."""
    from mentora_pipelines.adapters.openai.embeddings import OpenAiEmbedder
    from mentora_pipelines.adapters.provider_calls.breaker import provider_breaker
    from mentora_pipelines.adapters.provider_calls.calls import ProviderCalls
    from mentora_pipelines.adapters.provider_calls.pace import LocalPace

    llmock.rate_limit(times=2, retry_after=0.1)
    hosted = Hosted(llmock.base_url("openai"), "")
    calls = ProviderCalls(
        "openai",
        pace=LocalPace(Quota()),
        breaker=provider_breaker(),
        ledgers=hosted.books,
    )
    embedder = OpenAiEmbedder(
        hosted.client(), calls, model="text-embedding-3-small", dimensions=1536
    )
    embedder.embed(TEXTS)
    llmock.assert_resilient()


def test_a_provider_that_hangs_costs_its_time_limit(
    hosted: Hosted, ai_server: AiServer
) -> None:
    """Else a worker waits for ten minutes, as the SDK would."""
    ai_server.by_meaning = False
    hosted.timeout_s = 1.0
    ai_server.hang_s = 60.0
    ai_server.faults.append("hang")
    assert len(hosted.embedder().embed(TEXTS)) == 2
    # On a busy machine one that was only slow may stand between them.
    first, *_, last = hosted.books.states()
    assert (first, last) == ("failed", "settled")
    # Nobody knows whether the one that hung was computed; it was counted there.
    assert hosted.books.total() == ai_server.total("/v1/embeddings")


@pytest.mark.parametrize("fault", ["malformed", "cut", "dies"])
def test_an_answer_that_breaks_off_is_asked_for_once_more(
    hosted: Hosted, ai_server: AiServer, fault: Fault
) -> None:
    """Else a bad proxy fails a lesson, or half an answer is stored."""
    ai_server.faults.append(fault)
    assert len(hosted.embedder().embed(TEXTS)) == 2
    assert len(ai_server.served) == 2
    assert hosted.books.total() == ai_server.total("/v1/embeddings")


def test_nonsense_is_paid_for_twice_and_no_more(
    hosted: Hosted, ai_server: AiServer
) -> None:
    """Else a broken server is paid for as long as it is broken."""
    ai_server.faults.extend(["malformed"] * 9)
    with pytest.raises(ProviderRefused, match="answer"):
        hosted.embedder().embed(TEXTS)
    assert len(ai_server.served) == 2


def test_an_address_where_nobody_listens_costs_nothing(hosted: Hosted) -> None:
    """Else requests that never went out are on the bill."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hosted.openai_url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ProviderAway) as away:
            hosted.embedder().embed(TEXTS)
    assert away.value.reason is Absence.CONNECTION
    assert away.value.wait_s > 0
    assert hosted.books.total() == (0, 0)


def test_a_wrong_key_is_told_without_the_key(
    hosted: Hosted, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the key is in the log, since the server quotes it."""
    caplog.set_level("DEBUG", "mentora_pipelines")
    hosted.key = "sk-hunter3-secret"
    with pytest.raises(ProviderRefused) as refused:
        hosted.embedder().embed(TEXTS)
    told = [str(refused.value), repr(refused.value), caplog.text]
    error: BaseException | None = refused.value
    while error is not None:
        told.append(f"{error!r} {vars(error)}")
        error = error.__cause__
    assert "hunter" not in " ".join(told)
    assert refused.value.reason is Refusal.KEY


Vectors = Callable[[list[dict[str, object]]], list[dict[str, object]]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[:-1],
        lambda rows: [*rows[:-1], rows[0]],
        lambda rows: [{**row, "embedding": [0.1] * 8} for row in rows],
        lambda rows: [{**row, "embedding": [0.0] * 1536} for row in rows],
        lambda rows: [{**row, "embedding": [float("nan")] * 1536} for row in rows],
        lambda rows: [{**row, "embedding": "?"} for row in rows],
    ],
    ids=["fewer", "twice", "small", "zero", "nan", "no base64"],
)
def test_unsound_vectors_are_refused_and_paid_for_once(spoil: Vectors) -> None:
    """Else a vector that belongs to nothing is searched for ever."""
    from tests.adapters.openai.odd_server import odd_server

    rows: list[dict[str, object]] = [
        {"index": index, "embedding": [0.5] * 1536} for index in range(2)
    ]
    answer = {"data": spoil(rows), "usage": {"prompt_tokens": 7}}
    with odd_server(json.dumps(answer).encode()) as odd:
        hosted = Hosted(f"{odd.url}/v1", "")
        with pytest.raises(PermanentError, match="embedding model returned"):
            hosted.embedder().embed(TEXTS)
    assert odd.asked == 1
    assert hosted.books.total() == (7, 0)


def test_an_answer_that_drips_is_given_up(hosted: Hosted) -> None:
    """Else a byte a second holds a worker for ever."""
    from tests.adapters.openai.odd_server import odd_server

    with odd_server(b" " * 40, pause_s=0.05) as odd:
        hosted.openai_url = f"{odd.url}/v1"
        hosted.timeout_s = 0.3
        with pytest.raises(ProviderAway) as away:
            hosted.embedder().embed(TEXTS)
    assert away.value.reason is Absence.TIMEOUT


def test_requests_wait_for_their_turn(hosted: Hosted, ai_server: AiServer) -> None:
    """Else a backfill uses up the minute, and what is refused is asked again."""
    hosted.quota = Quota(requests=2)
    embedder = hosted.embedder()
    for _ in range(6):
        embedder.embed(["word"])
    assert len(ai_server.served) == 6
    assert sum(hosted.clock.waits) == pytest.approx(4 * 30)


def test_a_budget_that_is_too_small_for_all_costs_nothing(
    hosted: Hosted, ai_server: AiServer
) -> None:
    """Else a creator pays for half a lesson, which nobody can use."""
    hosted.books.limit = 1
    text = "word " * 8_000
    with pytest.raises(OverBudget):
        hosted.embedder().embed([text] * 40)
    assert ai_server.served == []
    assert hosted.books.entries == []


def test_the_key_goes_to_the_server_and_nowhere_else(
    hosted: Hosted, ai_server: AiServer
) -> None:
    """Else it is sent in an address, which proxies write down."""
    hosted.embedder().embed(TEXTS)
    (headers,) = ai_server.headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert [name for name, value in headers.items() if KEY in value] == [
        "authorization"
    ]
    assert KEY not in repr(hosted.embedder()) + repr(hosted.client())


def test_a_request_that_nobody_could_send_costs_nothing(hosted: Hosted) -> None:
    """Else each try without a key takes its bound off a creator's month."""
    from mentora_pipelines.adapters.openai.client import (
        HOSTED_URL,
        OpenAiClient,
        Server,
    )
    from mentora_pipelines.adapters.openai.embeddings import OpenAiEmbedder
    from mentora_pipelines.errors import SettingsError

    embedder = OpenAiEmbedder(
        OpenAiClient(Server(HOSTED_URL, None), timeout_s=1),
        hosted.calls("openai"),
        model="text-embedding-3-small",
        dimensions=8,
    )
    with pytest.raises(SettingsError):
        embedder.embed(["a lesson"])
    assert (hosted.books.states(), hosted.books.total()) == (["failed"], (0, 0))
