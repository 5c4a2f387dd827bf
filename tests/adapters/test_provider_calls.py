"""Pace, breaker and the meaning of answers, for all providers alike."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mentora_pipelines.adapters.provider_calls.breaker import (
    FAILURES,
    PAUSE_S,
    provider_breaker,
)
from mentora_pipelines.adapters.provider_calls.calls import (
    DEADLINE_S,
    Answer,
    ProviderCalls,
)
from mentora_pipelines.adapters.provider_calls.faults import (
    RETRY_AFTER_CAP_S,
    Spent,
    of_status,
)
from mentora_pipelines.adapters.provider_calls.pace import LocalPace, Quota
from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.pace import SharedPace
from mentora_pipelines.domain.spending.usage import (
    PLATFORM,
    Operation,
    PlannedCall,
    Unit,
)
from mentora_pipelines.errors import (
    Absence,
    OverBudget,
    ProviderAway,
    ProviderRefused,
    Refusal,
)
from tests.fix_ai import Books, TestClock
from tests.fix_cache import PATIENCE_S
from tests.fix_valkey import StartValkey, ValkeyProcess

LONG = 600.0


def test_a_minutes_worth_goes_at_once_and_the_rest_evenly() -> None:
    """Else a provider is sent a burst that it refuses, or nothing for a minute."""
    clock = TestClock()
    pace = LocalPace(Quota(requests=60), clock)
    assert [pace.wait_s(1, LONG) for _ in range(60)] == [0] * 60
    assert pace.wait_s(1, LONG) == pytest.approx(1)
    assert pace.wait_s(1, LONG) == pytest.approx(2)
    clock.seconds += 62
    assert [pace.wait_s(1, LONG) for _ in range(60)] == pytest.approx([0] * 60)


def test_a_request_larger_than_a_minute_holds_goes_alone() -> None:
    """Else it waits for ever."""
    clock = TestClock()
    pace = LocalPace(Quota(tokens=1_000), clock)
    assert pace.wait_s(3_000, LONG) == 0
    assert pace.wait_s(100, LONG) == pytest.approx(126)


def test_both_limits_hold() -> None:
    """Else few large requests pass the limit of tokens, or many small that of calls."""
    pace = LocalPace(Quota(requests=1_000, tokens=600), TestClock())
    assert pace.wait_s(600, LONG) == 0
    assert pace.wait_s(10, LONG) == pytest.approx(1)
    assert LocalPace(Quota(), TestClock()).wait_s(1e9, LONG) == 0


def test_who_would_wait_too_long_takes_no_place() -> None:
    """Else those who gave up are waited for."""
    clock = TestClock()
    pace = LocalPace(Quota(requests=1), clock)
    assert pace.wait_s(0, LONG) == 0
    assert pace.wait_s(0, 30) == pytest.approx(60)
    assert pace.wait_s(0, LONG) == pytest.approx(60)


def shared(server: ValkeyProcess, quota: Quota) -> SharedPace:
    """The pace of another process, as the server sees it."""
    return SharedPace(
        f"openai {quota}",
        quota,
        lambda: ValkeyServer(server.url, "test-pace", answer_timeout_s=PATIENCE_S),
        meanwhile=LocalPace(quota, TestClock()),
    )


def test_all_processes_share_a_limit(valkey_coordination: ValkeyProcess) -> None:
    """Else four workers send four times what the account may."""
    # One in half a minute, so that a busy machine changes little.
    quota = Quota(requests=2, tokens=2)
    one, other = (shared(valkey_coordination, quota) for _ in range(2))
    assert one.wait_s(2, LONG) == 0
    assert 15 < other.wait_s(1, LONG) <= 30
    assert 75 < one.wait_s(2, 1) <= 90
    assert 45 < other.wait_s(1, LONG) <= 60
    assert other.wait_s(0, LONG) <= 60
    assert 75 < one.wait_s(0, LONG) <= 90


def test_a_request_beyond_the_shared_limit_goes_alone(
    valkey_coordination: ValkeyProcess,
) -> None:
    """Else it waits for ever, or lets others through before it is paid off."""
    pace = shared(valkey_coordination, Quota(tokens=1_000))
    assert pace.wait_s(3_000, LONG) == 0
    assert 100 < pace.wait_s(100, LONG) <= 126


def test_without_the_server_each_process_keeps_the_pace_alone(
    start_valkey: StartValkey,
) -> None:
    """Else a lesson fails because a cache is away, or nobody keeps any limit."""
    server = start_valkey()
    server.kill()
    pace = shared(server, Quota(requests=2))
    waits = [pace.wait_s(0, LONG) for _ in range(3)]
    assert waits == [0, 0, pytest.approx(30)]


def test_after_failures_in_a_row_one_caller_tries_at_a_time() -> None:
    """Else everybody waits for the time-out of a provider that is dead."""
    clock = TestClock()
    breaker = provider_breaker(clock)
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert breaker.wait_s() == 0
    breaker.answered()
    for _ in range(FAILURES):
        breaker.failed()
    assert breaker.wait_s() == pytest.approx(PAUSE_S)
    clock.seconds += PAUSE_S
    assert breaker.closed_s() == 0
    assert breaker.wait_s() == 0
    assert breaker.wait_s() > 0
    breaker.answered()
    assert breaker.wait_s() == 0


def test_who_cannot_pay_takes_nobody_the_one_try_after_a_pause() -> None:
    """Else a creator without budget keeps the others waiting for half a minute."""
    clock = TestClock()
    breaker = provider_breaker(clock)
    for _ in range(FAILURES):
        breaker.failed()
    clock.seconds += PAUSE_S
    books = Books(limit=0)
    calls = ProviderCalls(
        "openai", pace=LocalPace(Quota(), clock), breaker=breaker, ledgers=books,
        clock=clock,
    )  # fmt: skip
    call = PlannedCall("openai", "m", Operation.EMBEDDING, Unit.TOKENS, 1)
    with pytest.raises(OverBudget):
        calls.send(PLATFORM, call, lambda: Answer("vectors", Spent(1)))
    books.limit = 1
    assert calls.send(PLATFORM, call, lambda: Answer("vectors", Spent(1))) == "vectors"


def test_who_would_queue_for_too_long_is_told_when_to_come_back() -> None:
    """Else a step is tried again at once, in vain, until it has failed."""
    clock = TestClock()
    calls = ProviderCalls(
        "openai", pace=LocalPace(Quota(tokens=60), clock),
        breaker=provider_breaker(clock), ledgers=Books(), clock=clock,
    )  # fmt: skip
    call = PlannedCall("openai", "m", Operation.EMBEDDING, Unit.TOKENS, 700)
    assert calls.send(PLATFORM, call, lambda: Answer(1, Spent(700))) == 1
    with pytest.raises(ProviderAway) as away:
        calls.send(PLATFORM, call, lambda: Answer(2, Spent(700)))
    assert away.value.reason is Absence.RATE_LIMITED
    clock.seconds += away.value.wait_s
    assert calls.send(PLATFORM, call, lambda: Answer(3, Spent(700))) == 3


@dataclass
class Crowded:
    """Satisfies `Pace`: the first turn is at once, those after it are far away."""

    far_s: float
    wants: list[float] = field(default_factory=list)

    def wait_s(self, tokens: float, longest_s: float) -> float:
        """How far away the turn is; `wants` is who asked for one."""
        assert longest_s <= LONG
        self.wants.append(tokens)
        return 0.0 if len(self.wants) == 1 else self.far_s


CALL = PlannedCall("openai", "m", Operation.EMBEDDING, Unit.TOKENS, 7)


def test_no_repeat_queues_beyond_the_deadline() -> None:
    """Else a step that may take a minute holds its place for ten."""
    clock, asked = TestClock(), []
    calls = ProviderCalls(
        "openai", pace=Crowded(DEADLINE_S), breaker=provider_breaker(clock),
        ledgers=Books(), clock=clock,
    )  # fmt: skip

    def overloaded() -> Answer[str]:
        asked.append(clock.now())
        raise of_status("openai", 529, {}, ())

    with pytest.raises(ProviderAway) as away:
        calls.send(PLATFORM, CALL, overloaded)
    assert away.value.reason is Absence.RATE_LIMITED
    assert 0 < away.value.wait_s < DEADLINE_S
    assert len(asked) == 1
    assert sum(clock.waits) < DEADLINE_S


@pytest.mark.parametrize("failures", [0, FAILURES])
def test_who_will_be_refused_takes_no_turn(failures: int) -> None:
    """Else one without budget, or a dead provider, uses up the minute of the others."""
    clock, pace = TestClock(), Crowded(0)
    breaker = provider_breaker(clock)
    for _ in range(failures):
        breaker.failed()
    calls = ProviderCalls(
        "openai", pace=pace, breaker=breaker, ledgers=Books(limit=0), clock=clock
    )
    with pytest.raises(ProviderAway if failures else OverBudget):
        calls.send(PLATFORM, CALL, lambda: Answer("vectors", Spent(1)))
    assert pace.wants == []


def wait_s_of(headers: dict[str, str]) -> float:
    """How long a provider is left alone that limits us with these headers."""
    error = of_status("openai", 429, headers, ()).error
    assert isinstance(error, ProviderAway)
    return error.wait_s


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "86400"}, RETRY_AFTER_CAP_S),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "inf"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"}, 0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
    ],
)
def test_what_a_provider_asks_for_is_understood_and_bounded(
    headers: dict[str, str], seconds: float
) -> None:
    """Else a header holds a worker for a day, or breaks it."""
    assert wait_s_of(headers) == seconds


def test_a_date_to_come_back_at_is_understood() -> None:
    """Else such a provider is asked at once."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=15), usegmt=True)
    assert 10 < wait_s_of({"retry-after": later}) <= 15


@pytest.mark.parametrize(
    ("status", "codes", "reason"),
    [
        (200, ("overloaded_error",), Absence.OVERLOADED),
        (200, (None,), Absence.SERVER_ERROR),
        (408, (), Absence.TIMEOUT),
        (409, (), Absence.SERVER_ERROR),
        (429, ("rate_limit_exceeded",), Absence.RATE_LIMITED),
        (504, (), Absence.TIMEOUT),
        (529, (), Absence.OVERLOADED),
        (402, (), Refusal.QUOTA),
        (429, ("insufficient_quota",), Refusal.QUOTA),
        (400, ("enforced_spend_limit_reached",), Refusal.QUOTA),
        (401, ("authentication_error",), Refusal.KEY),
        (400, ("content_filter",), Refusal.POLICY),
        (404, ("not_found_error",), Refusal.MODEL),
        (422, (), Refusal.REQUEST),
        (302, (), Refusal.REQUEST),
    ],
)
def test_each_answer_is_sorted_by_what_to_do(
    status: int, codes: tuple[str | None, ...], reason: Refusal | Absence
) -> None:
    """Else what will never work is tried for hours, or what would pass is given up."""
    error = of_status("openai", status, {}, codes).error
    assert error.reason is reason
    kind = ProviderRefused if isinstance(reason, Refusal) else ProviderAway
    assert isinstance(error, kind)


def test_an_error_repeats_codes_and_no_words() -> None:
    """Else a server's text, with a key or a lesson in it, is in our log."""
    error = of_status("openai", 401, {}, ("sk-hunter2 is wrong", "invalid_api_key"))
    assert "hunter2" not in str(error.error)
    assert "invalid_api_key" in str(error.error)
