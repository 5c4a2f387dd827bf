from datetime import UTC, datetime, timedelta

import pytest

from mentora_pipelines.domain.rate_limits.identity import creator, user
from mentora_pipelines.domain.rate_limits.limits import (
    API,
    AUTH,
    CHAT,
    LIMITERS,
    MAX_LIMIT,
    QUIZ_GENERATION,
    RETRY_S,
    Count,
    Demand,
    Limiter,
    Window,
    checked_demands,
    decide,
    decide_blindly,
    iso_8601,
)
from mentora_pipelines.errors import InvalidInput

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ADA = user("ada")


def soon(seconds: float) -> datetime:
    """A moment after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def test_the_limits_are_the_specifications() -> None:
    """Else the platform and its web application allow different things."""
    assert [
        (each.name, each.limit, each.window_s, each.window, each.on_outage)
        for each in LIMITERS
    ] == [
        ("chat", 20, 60, "sliding", "open"),
        ("video-upload", 10, 3600, "fixed", "open"),
        ("quiz-gen", 5, 3600, "fixed", "open"),
        ("auth", 5, 300, "sliding", "closed"),
        ("api", 100, 60, "sliding", "open"),
    ]


@pytest.mark.parametrize(
    ("name", "limit", "window_s"),
    [
        ("", 1, 1),
        ("Chat", 1, 1),
        ("chat:user", 1, 1),
        ("chat", 0, 1),
        ("chat", MAX_LIMIT + 1, 1),
        ("chat", 1, 0),
        ("chat", 1, 10**6),
    ],
)
def test_an_impossible_limiter_is_refused(name: str, limit: int, window_s: int) -> None:
    """Else its keys mix with another's, or it lets everybody or nobody in."""
    with pytest.raises(InvalidInput):
        Limiter(name, limit, window_s, Window.FIXED)


def test_an_allowed_call_is_told_what_is_left() -> None:
    """Else a polite client cannot slow down in time."""
    decision = decide([Demand(CHAT, ADA)], [Count(3, soon(41.5))], NOW)
    assert decision.allowed
    assert decision.headers == {
        "X-RateLimit-Limit": "20",
        "X-RateLimit-Remaining": "16",
        "X-RateLimit-Reset": "2026-11-23T12:00:41.500Z",
    }


def test_a_refused_call_is_told_when_to_come_back() -> None:
    """Else clients guess, and hammer."""
    decision = decide([Demand(CHAT, ADA)], [Count(20, soon(41.000_001))], NOW)
    assert not decision.allowed
    assert decision.headers == {
        "X-RateLimit-Limit": "20",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "2026-11-23T12:00:41.001Z",
        "Retry-After": "42",
    }
    assert decision.body == {
        "error": "Too many requests",
        "retryAfter": "2026-11-23T12:00:41.001Z",
    }


def test_who_waits_as_told_is_not_too_early() -> None:
    """Else a client that obeys is refused again, for a rounded-off millisecond."""
    for microseconds in (1, 999, 1_000, 999_999, 1_000_000, 1_000_001):
        reset = NOW + timedelta(microseconds=microseconds)
        decision = decide([Demand(AUTH, ADA)], [Count(5, reset)], NOW)
        assert soon(decision.retry_after) >= reset
        assert datetime.fromisoformat(iso_8601(reset)) >= reset
        assert decision.retry_after >= 1


def test_the_limit_that_keeps_a_caller_longest_is_the_one_told() -> None:
    """Else they come back to be refused by the other one."""
    demands = [Demand(API, ADA), Demand(CHAT, ADA), Demand(CHAT, creator("c"))]
    decision = decide(
        demands, [Count(0, soon(50)), Count(20, soon(2)), Count(20, soon(9))], NOW
    )
    assert (decision.allowed, decision.retry_after) == (False, 9)
    decision = decide(
        demands, [Count(98, soon(50)), Count(4, soon(2)), Count(0, soon(9))], NOW
    )
    assert (decision.limiter, decision.remaining) == ("api", 1)


def test_a_lowered_limit_leaves_nothing_rather_than_less() -> None:
    """Else a client reads that minus fifteen calls are left."""
    decision = decide([Demand(QUIZ_GENERATION, ADA)], [Count(20, soon(1))], NOW)
    assert (decision.allowed, decision.remaining) == (False, 0)


@pytest.mark.parametrize(
    ("limiters", "allowed"), [([CHAT], True), ([AUTH], False), ([CHAT, AUTH], False)]
)
def test_without_a_count_the_policy_decides_for_seconds_only(
    limiters: list[Limiter], allowed: bool
) -> None:
    """Else passwords are guessed in an outage, or it locks users out for ever."""
    decision = decide_blindly(limiters, NOW)
    assert decision.degraded
    assert decision.allowed is allowed
    assert decision.reset == soon(RETRY_S)
    assert decision.retry_after == (0 if allowed else RETRY_S)


def test_impossible_demands_are_refused() -> None:
    """Else a call counts twice under one limit, or holds up the server."""
    for demands in (
        [],
        [Demand(CHAT, ADA)] * 2,
        [Demand(CHAT, user(n)) for n in "123456789"],
    ):
        with pytest.raises(InvalidInput):
            checked_demands(demands)
    both = [Demand(CHAT, ADA), Demand(CHAT, creator("ada"))]
    assert checked_demands(both) == both
