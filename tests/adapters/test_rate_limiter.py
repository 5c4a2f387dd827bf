"""Who is let in, on a real server, from many processes at once."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.rate_limit_calls import (
    RateLimitCalls,
    rate_limit_script,
)
from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter
from mentora_pipelines.domain.rate_limits.identity import EVERYONE, creator, user
from mentora_pipelines.domain.rate_limits.limits import (
    API,
    AUTH,
    CHAT,
    LIMITERS,
    QUIZ_GENERATION,
    Demand,
    Limiter,
    Window,
)
from mentora_pipelines.errors import InvalidInput
from tests.domain.test_storage import unhurried
from tests.fix_services import PROJECT
from tests.fix_valkey import ValkeyProcess
from tests.rate_limit_callers import PATIENCE_S, Outcome, question

SHORT_SLIDING = Limiter("test-sliding", 20, 1, Window.SLIDING)
SHORT_FIXED = Limiter("test-fixed", 10, 1, Window.FIXED)
THREE = Limiter("test-three", 3, 2, Window.SLIDING)


class Callers:
    """Processes that call a limiter; see `rate_limit_callers.py`."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.rate_limit_callers", url],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, limiter: Limiter, processes: int, **how: float) -> list[Outcome]:
        """Call for a fresh user; whether each call was allowed, and a time in µs."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps(question(limiter, str(uuid4()), processes, **how))
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return [
            (bool(allowed), int(moment))
            for allowed, moment in json.loads(self._process.stdout.readline())
        ]

    def close(self) -> None:
        """End the process that makes them."""
        self._process.communicate()


@pytest.fixture(scope="module")
def callers(valkey_coordination: ValkeyProcess) -> Iterator[Callers]:
    """Processes that call a limiter."""
    made = Callers(valkey_coordination.url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(valkey_coordination: ValkeyProcess) -> Iterator[ValkeyServer]:
    """The server, asked with patience: time-outs are another file's subject."""
    made = ValkeyServer(valkey_coordination.url, "tests", answer_timeout_s=PATIENCE_S)
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(valkey_coordination: ValkeyProcess) -> Iterator[redis.Redis]:
    """The server, past our adapter."""
    with redis.Redis.from_url(valkey_coordination.url) as opened:
        yield opened


@pytest.fixture
def limiter(server: ValkeyServer) -> ValkeyRateLimiter:
    """A limiter whose keys are this test's own."""
    return ValkeyRateLimiter(server, prefix=f"{uuid4()}:")


@pytest.mark.parametrize("processes", [16, 64])
@pytest.mark.parametrize("declared", LIMITERS, ids=lambda each: each.name)
def test_exactly_the_limit_is_allowed(
    callers: Callers, declared: Limiter, processes: int
) -> None:
    """Else a burst gets through what a trickle does not."""
    each = 2 * declared.limit // processes + 1
    outcomes = callers(declared, processes, calls=each)
    assert len(outcomes) == processes * each > declared.limit
    allowed = [reset for was_allowed, reset in outcomes if was_allowed]
    if declared.window is Window.FIXED:
        # An hour may begin meanwhile: then each of the two has its own limit.
        assert max(Counter(allowed).values()) == declared.limit
    else:
        assert len(allowed) == declared.limit


@pytest.mark.parametrize("processes", [16, 64])
def test_no_period_of_the_windows_length_holds_more_than_the_limit(
    callers: Callers, processes: int
) -> None:
    """Else twice the limit gets through around the edge of two windows."""
    outcomes = callers(SHORT_SLIDING, processes, windows=2.2)
    allowed = sorted(moment for was_allowed, moment in outcomes if was_allowed)
    limit, window = SHORT_SLIDING.limit, SHORT_SLIDING.window_s * 1_000_000
    # They never stopped asking, so each window is used to the full; on a busy machine
    # one of them is begun late.
    assert len(allowed) > 2 * limit
    assert all(
        later - first > window
        for first, later in zip(allowed, allowed[limit:], strict=False)
    )


@pytest.mark.parametrize("processes", [16, 64])
def test_each_aligned_window_holds_the_limit(callers: Callers, processes: int) -> None:
    """Else an hour's limit depends on when in the hour a caller began."""
    outcomes = callers(SHORT_FIXED, processes, windows=2.2)
    windows = Counter(
        moment // (SHORT_FIXED.window_s * 1_000_000)
        for was_allowed, moment in outcomes
        if was_allowed
    )
    # The first and the last may have been seen in part.
    assert sorted(windows.values())[-2:] == [SHORT_FIXED.limit] * 2
    assert len(windows) >= 3


def test_a_steady_caller_is_released_when_the_window_says_so(
    limiter: ValkeyRateLimiter,
) -> None:
    """Else who keeps asking while refused is never let in again."""
    ada = user("ada")
    first = limiter.hit(THREE, ada)
    assert limiter.hit(THREE, ada).allowed
    assert limiter.hit(THREE, ada).remaining == 0
    refused = 0
    while not (decision := limiter.hit(THREE, ada)).allowed:
        refused += 1
        assert decision.reset == first.reset
        time.sleep(0.01)
    assert refused > 0
    assert decision.reset > first.reset


def test_asking_how_long_to_wait_uses_nothing_up(limiter: ValkeyRateLimiter) -> None:
    """Else a job that looks whether it may begin never may."""
    ada = creator("ada")
    for _ in range(QUIZ_GENERATION.limit + 1):
        assert limiter.wait_s(THREE, ada) == 0
    for _ in range(THREE.limit):
        assert limiter.hit(THREE, ada).allowed
    wait_s = limiter.wait_s(THREE, ada)
    assert 0 < wait_s <= THREE.window_s
    while limiter.wait_s(THREE, ada) > 0:
        time.sleep(0.01)
    assert limiter.hit(THREE, ada).allowed
    (used,) = limiter.usage([THREE], days=1)
    assert (used.allowed, used.refused) == (4, 0)


def test_several_limits_are_used_up_together_or_not_at_all(
    limiter: ValkeyRateLimiter,
) -> None:
    """Else a call that one limit refuses still costs the others."""
    ada, school = user("ada"), creator("school")
    all_chats = Limiter("all-chats", 50, 60, Window.SLIDING)
    demands = [Demand(CHAT, ada), Demand(CHAT, school), Demand(all_chats, EVERYONE)]
    for _ in range(4):
        assert limiter.hit(CHAT, school).allowed
    decisions = [limiter.hit_all(demands) for _ in range(20)]
    assert [decision.allowed for decision in decisions] == [True] * 16 + [False] * 4
    assert [decisions[15].remaining, decisions[16].limit] == [0, CHAT.limit]
    assert limiter.hit(CHAT, ada).remaining == CHAT.limit - 16 - 1
    assert limiter.hit(all_chats, EVERYONE).remaining == 50 - 16 - 1
    with pytest.raises(InvalidInput):
        limiter.hit_all([demands[0], demands[0]])


def test_ids_with_special_signs_are_their_own_buckets(
    limiter: ValkeyRateLimiter, client: redis.Redis
) -> None:
    """Else one user's calls count as another's, or a pattern clears a tenant's."""
    ids = [
        "*",
        "a*",
        "?",
        "[ab]",
        "a",
        "b",
        "{a}",
        "a:b",
        "a\nb",
        "\ud800",
        "é",
        "12",
        "123",
    ]
    for each in ids:
        assert limiter.hit(AUTH, user(each)).remaining == AUTH.limit - 1
    assert limiter.hit(AUTH, creator("a")).remaining == AUTH.limit - 1
    prefix = limiter._calls.prefix  # noqa: SLF001  (its keys, past the adapter)
    logs = list(client.scan_iter(f"{prefix}ratelimit:*"))
    assert len(logs) == len(ids) + 1


def test_calls_are_counted_for_each_limiter(limiter: ValkeyRateLimiter) -> None:
    """Else nobody sees that a limit is too tight, or attacked."""
    for _ in range(AUTH.limit + 2):
        limiter.hit(AUTH, user("ada"))
    limiter.hit_all([Demand(AUTH, user("ada")), Demand(API, user("ada"))])
    limiter.hit(API, user("ada"))
    auth, api, chat = limiter.usage([AUTH, API, CHAT], days=8)
    assert (auth.allowed, auth.refused, auth.degraded) == (5, 3, 0)
    assert (api.allowed, api.refused, api.degraded) == (1, 0, 0)
    assert (chat.allowed, chat.refused, chat.degraded) == (0, 0, 0)
    for days in (0, 9):
        with pytest.raises(InvalidInput):
            limiter.usage([AUTH], days=days)


def test_usage_keeps_a_week_and_no_more(
    limiter: ValkeyRateLimiter, client: redis.Redis
) -> None:
    """Else the figures of all time gather in a server that may not evict."""
    usage = limiter._calls.usage_key(CHAT)  # noqa: SLF001  (to age it)
    today = client.time()[0] // 86_400
    client.hset(usage, mapping={f"{today - age}:allowed": 10 for age in range(1, 20)})
    limiter.hit(CHAT, user("ada"))
    assert [used.allowed for used in limiter.usage([CHAT], days=1)] == [1]
    assert [used.allowed for used in limiter.usage([CHAT], days=8)] == [71]
    assert client.hlen(usage) == 8


def test_every_key_expires(limiter: ValkeyRateLimiter, client: redis.Redis) -> None:
    """Else a server that may not evict fills up with callers who never come back."""
    for each in LIMITERS:
        limiter.hit(each, user("ada"))
        expected = each.window_s if each.window is Window.SLIDING else 3600
        key = f"{limiter._calls.prefix}ratelimit:{each.name}:user:ada"  # noqa: SLF001
        assert 0 < client.pttl(key) <= expected * 1000 + 1
        assert client.ttl(limiter._calls.usage_key(each)) > 8 * 86_400  # noqa: SLF001


def test_what_is_no_log_of_ours_neither_admits_nor_locks_out_for_ever(
    limiter: ValkeyRateLimiter, client: redis.Redis
) -> None:
    """Else a stray key under a user's name decides for them until somebody looks."""
    key = f"{limiter._calls.prefix}ratelimit:auth:user:ada"  # noqa: SLF001
    client.set(key, "garbage")
    assert limiter.hit(AUTH, user("ada")).remaining == AUTH.limit - 1
    client.delete(key)
    client.rpush(key, "garbage", "too")
    assert limiter.hit(AUTH, user("ada")).remaining == AUTH.limit - 1
    assert client.ttl(key) > 0


def test_a_clock_set_back_keeps_nobody_out_longer_than_a_window(
    limiter: ValkeyRateLimiter, client: redis.Redis
) -> None:
    """Else a wrong clock, set right, locks out whoever called meanwhile."""
    key = f"{limiter._calls.prefix}ratelimit:auth:user:ada"  # noqa: SLF001
    seconds, microseconds = client.time()
    tomorrow = (seconds + 86_400) * 1_000_000 + microseconds
    client.lpush(key, *range(tomorrow, tomorrow + AUTH.limit))
    decision = limiter.hit(AUTH, user("ada"))
    assert not decision.allowed
    assert 0 < decision.retry_after <= AUTH.window_s + 1
    assert limiter.wait_s(AUTH, user("ada")) <= AUTH.window_s
    assert 0 < client.ttl(key) <= AUTH.window_s


steps = st.lists(
    st.one_of(
        st.sampled_from(["ada", "bob"]),
        st.floats(0, 1.2, allow_nan=False).map(lambda share: int(share * 60_000_000)),
    ),
    max_size=30,
)


@unhurried
@given(st.integers(1, 5), st.booleans(), steps)
def test_the_server_decides_as_the_definition_does(
    server: ValkeyServer,
    client: redis.Redis,
    limit: int,
    fixed: bool,
    steps: list[str | int],
) -> None:
    """Else some order of calls and pauses gets through that nobody thought of.

    A pause is made by ageing the log; one of a fixed window is made of whole windows,
    so that their edges stay where they are.
    """
    window = 60_000_000
    limiter = Limiter("model", limit, 60, Window.FIXED if fixed else Window.SLIDING)
    calls = RateLimitCalls(prefix=f"{uuid4()}:")
    past: dict[str, list[int]] = {"ada": [], "bob": []}
    elapsed = 0
    for step in steps:
        if isinstance(step, int):
            pause = step // window * window if fixed else step
            elapsed += pause
            for name in past:
                key = f"{calls.prefix}ratelimit:model:user:{name}"
                if stamps := client.lrange(key, 0, -1):
                    aged = [int(stamp) - pause for stamp in stamps]
                    client.ltrim(key, 1, 0)
                    client.rpush(key, *aged)
                    client.pexpire(key, 60_000)
            continue
        call = calls.hit([Demand(limiter, user(step))])
        allowed, now, used, frees_at = server.run(
            rate_limit_script(), call.keys, call.arguments
        )
        at = now + elapsed
        since = at - at % window if fixed else at - window
        counted = [moment for moment in past[step] if moment >= since]
        assert used == len(counted)
        assert (allowed == 1) == (len(counted) < limit)
        first = min(counted, default=at)
        assert frees_at + elapsed == (since + window if fixed else first + window + 1)
        if allowed:
            past[step].append(at)
