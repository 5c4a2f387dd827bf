"""What limiters do while their server is frozen, killed, full or flushed, and after."""

import asyncio
import logging
import time
from collections.abc import Iterator

import pytest
import redis

from mentora_pipelines.adapters.valkey.async_connection import AsyncValkeyServer
from mentora_pipelines.adapters.valkey.async_rate_limiter import AsyncValkeyRateLimiter
from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter
from mentora_pipelines.domain.rate_limits.identity import user
from mentora_pipelines.domain.rate_limits.limits import (
    AUTH,
    CHAT,
    RETRY_S,
    Decision,
    Demand,
)
from mentora_pipelines.errors import TransientError
from tests.fix_valkey import StartValkey, ValkeyProcess

ADA = user("ada@tests.example")
PAUSE_S = 0.05
"""The breaker's; the platform's is a second, for which no test needs to wait."""

ANSWER_S = 1.0
"""More than a server that is well takes on a busy machine: what it is told counts."""

DEADLINE_S = 30


@pytest.fixture
def valkey(start_valkey: StartValkey) -> ValkeyProcess:
    """A server to be harmed."""
    return start_valkey()


@pytest.fixture
def limiter(valkey: ValkeyProcess) -> Iterator[ValkeyRateLimiter]:
    """A limiter on that server."""
    server = ValkeyServer(
        valkey.url, "tests", answer_timeout_s=ANSWER_S, pause_s=PAUSE_S
    )
    yield ValkeyRateLimiter(server)
    server.close()


def assert_policies_hold(limiter: ValkeyRateLimiter) -> None:
    """Chat is open, signing in is closed, for seconds only, and both say so."""
    chat, auth = limiter.hit(CHAT, ADA), limiter.hit(AUTH, ADA)
    assert (chat.allowed, chat.degraded) == (True, True)
    assert (auth.allowed, auth.degraded) == (False, True)
    assert auth.retry_after == RETRY_S
    both = limiter.hit_all([Demand(CHAT, ADA), Demand(AUTH, ADA)])
    assert (both.allowed, both.degraded) == (False, True)
    assert limiter.wait_s(CHAT, ADA) == 0


def first_counted(limiter: ValkeyRateLimiter) -> Decision:
    """The first decision on signing in that the server made again."""
    deadline = time.monotonic() + DEADLINE_S
    while (decision := limiter.hit(AUTH, ADA)).degraded:
        assert time.monotonic() < deadline, "service does not resume"
        time.sleep(PAUSE_S)
    return decision


def test_a_frozen_server_leaves_policy_and_comes_back_by_itself(
    valkey: ValkeyProcess,
    limiter: ValkeyRateLimiter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else a stopped server stops the platform, or opens the sign-in to guessing."""
    assert limiter.hit(AUTH, ADA).allowed
    valkey.freeze()
    assert_policies_hold(limiter)
    assert limiter.wait_s(AUTH, ADA) == RETRY_S
    with pytest.raises(TransientError):
        limiter.usage([AUTH], days=1)
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage().split(",")[0] for record in said] == [
        "rate limiter chat cannot count",
        "rate limiter auth cannot count",
    ]
    assert "all are allowed" in said[0].getMessage()
    assert "all are refused" in said[1].getMessage()

    valkey.thaw()
    first_counted(limiter)
    assert limiter.hit(CHAT, ADA).degraded is False
    assert "rate limiter auth counts again" in caplog.text
    assert "tests.example" not in caplog.text
    auth, chat = limiter.usage([AUTH, CHAT], days=1)
    assert auth.degraded >= 2
    assert chat.degraded >= 2


def test_a_killed_server_leaves_policy_and_comes_back_by_itself(
    valkey: ValkeyProcess, limiter: ValkeyRateLimiter
) -> None:
    """Else a restart of the server needs one of every process that asks it."""
    for _ in range(AUTH.limit):
        assert limiter.hit(AUTH, ADA).allowed
    valkey.kill()
    assert_policies_hold(limiter)
    valkey.start()
    decision = first_counted(limiter)
    assert decision.allowed, "what the server forgot counts against nobody"
    assert decision.remaining == AUTH.limit - 1


def test_a_full_server_still_refuses_whom_it_should(
    valkey: ValkeyProcess, limiter: ValkeyRateLimiter
) -> None:
    """Else filling the memory is a way around every limit."""
    eve = user("eve")
    for _ in range(CHAT.limit):
        assert limiter.hit(CHAT, eve).allowed
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory", 1)
        refused = limiter.hit(CHAT, eve)
        assert (refused.allowed, refused.degraded) == (False, False)
        assert_policies_hold(limiter)
        client.config_set("maxmemory", 0)
        assert limiter.hit(AUTH, ADA).remaining == AUTH.limit - 1
        assert all(client.ttl(key) > 0 for key in client.scan_iter())


def test_a_flushed_server_counts_anew(
    valkey: ValkeyProcess, limiter: ValkeyRateLimiter
) -> None:
    """Else a flush, which forgets the script too, ends all limits."""
    for _ in range(AUTH.limit):
        limiter.hit(AUTH, ADA)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
        client.script_flush()
    decisions = [limiter.hit(AUTH, ADA) for _ in range(AUTH.limit + 1)]
    assert [decision.allowed for decision in decisions] == [True] * 5 + [False]
    assert not any(decision.degraded for decision in decisions)


def test_a_call_that_was_counted_unheard_is_forgotten_with_its_window(
    valkey: ValkeyProcess, limiter: ValkeyRateLimiter
) -> None:
    """Else an outage costs a user calls for ever, or the late answer is another's."""
    valkey.freeze()
    limiter.hit(AUTH, ADA)
    valkey.thaw()
    decision = first_counted(limiter)
    # The server may have read the call that nobody waited for.
    assert decision.remaining in (AUTH.limit - 1, AUTH.limit - 2)
    with redis.Redis.from_url(valkey.url) as client:
        assert 0 < client.ttl(f"ratelimit:auth:{ADA.id}") <= AUTH.window_s


def test_an_event_loop_goes_on_while_the_server_is_frozen(
    valkey: ValkeyProcess,
) -> None:
    """Else one silent server stops every request of the application."""

    async def main() -> None:
        server = AsyncValkeyServer(
            valkey.url, "tests", call_timeout_s=ANSWER_S, pause_s=PAUSE_S
        )
        limiter = AsyncValkeyRateLimiter(server)
        assert (await limiter.hit(AUTH, ADA)).remaining == AUTH.limit - 1
        valkey.freeze()
        calls = asyncio.gather(*(limiter.hit(CHAT, ADA) for _ in range(40)))
        turns = 0
        while not calls.done():
            turns += 1
            await asyncio.sleep(0.001)
        assert turns > 10
        assert all(call.allowed and call.degraded for call in await calls)
        assert not (await limiter.hit(AUTH, ADA)).allowed
        valkey.thaw()
        deadline = time.monotonic() + DEADLINE_S
        while (await limiter.hit(AUTH, ADA)).degraded:
            assert time.monotonic() < deadline, "service does not resume"
            await asyncio.sleep(PAUSE_S)
        await limiter.close()

    asyncio.run(main())


def test_a_caller_who_hangs_up_leaves_the_connection_usable(
    valkey: ValkeyProcess,
) -> None:
    """Else the next request reads the answer to one that was given up."""

    async def main() -> None:
        server = AsyncValkeyServer(valkey.url, "tests", call_timeout_s=DEADLINE_S)
        limiter = AsyncValkeyRateLimiter(server)
        for number in range(30):
            given_up = asyncio.create_task(limiter.hit(AUTH, user(f"eve {number}")))
            for _ in range(number % 10):
                await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)
            decision = await limiter.hit(CHAT, user(f"ada {number}"))
            assert (decision.limiter, decision.remaining) == ("chat", CHAT.limit - 1)
        await limiter.close()

    asyncio.run(main())
