"""Our limiter against the library `limits` and against naive pipelines.

`python -m benchmarks.rate_limits [CALLS] [PROCESSES]` (5,000 and 16 by default), on one
embedded Valkey. Prints calls per second and latencies of one caller in turn with the
others, bytes of a full identity, how many of a burst from all processes are allowed at
once and around a window's edge, and what a call costs at a frozen server.
"""

import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import redis
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import (
    FixedWindowRateLimiter,
    KnownStrategy,
    MovingWindowRateLimiter,
    SlidingWindowCounterRateLimiter,
)

from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter
from mentora_pipelines.domain.rate_limits.identity import user
from mentora_pipelines.domain.rate_limits.limits import Limiter, Window
from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack
from mentora_pipelines.settings.redis import RedisSettings

LIMIT = 100
PATIENCE_S = 30.0
TURNS = 5

Hit: TypeAlias = Callable[[str, int], bool]
"""Whether a call of this identity is allowed, in a window of so many seconds."""


def ours(url: str, window: Window) -> Hit:
    """Our limiter, with its remaining calls and reset, and its usage counted."""
    server = ValkeyServer(url, "benchmark", answer_timeout_s=PATIENCE_S)
    adapter = ValkeyRateLimiter(server)

    def hit(name: str, window_s: int) -> bool:
        limiter = Limiter(f"bench-{window}", LIMIT, window_s, window)
        return adapter.hit(limiter, user(name)).allowed

    return hit


def library(url: str, strategy: str, *, told: bool = False) -> Hit:
    """A strategy of `limits`; `told` asks it for remaining calls and reset as well."""
    storage = RedisStorage(url, key_prefix=strategy)
    strategies: dict[str, KnownStrategy] = {
        "moving": MovingWindowRateLimiter,
        "fixed": FixedWindowRateLimiter,
        "counter": SlidingWindowCounterRateLimiter,
    }
    limiter = strategies[strategy](storage)

    def hit(name: str, window_s: int) -> bool:
        item = RateLimitItemPerSecond(LIMIT, window_s)
        allowed = limiter.hit(item, name)
        if told:
            limiter.get_window_stats(item, name)
        return allowed

    return hit


def get_compare_set(url: str) -> Hit:
    """A counter that is read, compared and written."""
    client = redis.Redis.from_url(url)

    def hit(name: str, window_s: int) -> bool:
        count = int(client.get(f"naive:{name}") or 0)
        if count >= LIMIT:
            return False
        client.set(f"naive:{name}", count + 1, ex=window_s)
        return True

    return hit


def check_then_zadd(url: str) -> Hit:
    """A sorted set of calls, counted first and added to after."""
    client = redis.Redis.from_url(url)

    def hit(name: str, window_s: int) -> bool:
        now, key = time.time(), f"zset:{name}"
        pipeline = client.pipeline()
        pipeline.zremrangebyscore(key, 0, now - window_s)
        pipeline.zcard(key)
        if pipeline.execute()[1] >= LIMIT:
            return False
        client.zadd(key, {uuid4().hex: now})
        client.expire(key, window_s)
        return True

    return hit


CONTENDERS: dict[str, Callable[[str], Hit]] = {
    "ours, sliding": lambda url: ours(url, Window.SLIDING),
    "ours, fixed": lambda url: ours(url, Window.FIXED),
    "limits moving": lambda url: library(url, "moving"),
    "limits moving, told": lambda url: library(url, "moving", told=True),
    "limits fixed": lambda url: library(url, "fixed"),
    "limits fixed, told": lambda url: library(url, "fixed", told=True),
    "limits counter": lambda url: library(url, "counter"),
    "GET, compare, SET": get_compare_set,
    "check, then ZADD": check_then_zadd,
}


def measure_speed(url: str, calls: int) -> None:
    """One caller of each in turn: half of the calls allowed, half refused."""
    hits = {name: make(url) for name, make in CONTENDERS.items()}
    taken: dict[str, list[float]] = {name: [] for name in hits}
    for turn in range(TURNS + 1):
        for name, hit in hits.items():
            for number in range(calls // TURNS):
                started = time.perf_counter()
                hit(f"{turn}-{number // (2 * LIMIT)}", 60)
                if turn:  # The first turn warms all up.
                    taken[name].append(time.perf_counter() - started)
    print(f"{'':20} calls/s   p50   p95   p99 us   bytes of a full identity")
    with redis.Redis.from_url(url) as client:
        for name, seconds in taken.items():
            full = f"full {name}"
            before = set(client.scan_iter(count=1000))
            for _ in range(LIMIT):
                hits[name](full, 60)
            size = sum(
                client.memory_usage(key, samples=0) or 0
                for key in set(client.scan_iter(count=1000)) - before
            )
            cuts = statistics.quantiles(seconds, n=100)
            print(
                f"{name:20} {len(seconds) / sum(seconds):7.0f}"
                + "".join(f" {cuts[at] * 1e6:5.0f}" for at in (49, 94, 98))
                + f" {size:8}"
            )


def burst(
    url: str, name: str, barrier: "multiprocessing.synchronize.Barrier", found: str
) -> None:
    """One process of a burst: at once, then once more around a window's edge."""
    hit = CONTENDERS[name](url)
    hit(f"warm {os.getpid()}", 60)
    barrier.wait()
    at_once = sum(hit(f"burst {name}", 60) for _ in range(LIMIT // 4))
    # Full at 0.9 of an aligned window, then as many again at the start of the next.
    barrier.wait()
    edge = (time.time() // 2 + 2) * 2
    allowed = 0
    for moment in (edge - 0.15, edge + 0.05):
        time.sleep(max(0.0, moment - time.time()))
        allowed += sum(hit(f"edge {name}", 2) for _ in range(LIMIT // 4))
    with redis.Redis.from_url(url) as client:
        client.hincrby(found, "at once", at_once)
        client.hincrby(found, "edge", allowed)


def measure_exactness(url: str, processes: int) -> None:
    """How many of a burst from all processes each lets through."""
    fork = multiprocessing.get_context("fork")
    print(f"\nallowed of {LIMIT} by {processes} processes: at once; around an edge")
    with redis.Redis.from_url(url) as client:
        for name in CONTENDERS:
            if name.endswith("told"):
                continue
            found = f"found {uuid4()}"
            barrier = fork.Barrier(processes)
            workers = [
                fork.Process(target=burst, args=(url, name, barrier, found))
                for _ in range(processes)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            figures = client.hgetall(found)
            print(f"{name:20} {int(figures[b'at once']):6} {int(figures[b'edge']):6}")


def measure_outage(url: str, pid: int) -> None:
    """What calls cost while the server is frozen."""
    server = ValkeyServer(url, "benchmark", answer_timeout_s=RedisSettings().timeout_s)
    adapter = ValkeyRateLimiter(server)
    limiter = Limiter("bench-frozen", LIMIT, 60, Window.SLIDING)
    adapter.hit(limiter, user("ada"))
    os.kill(pid, signal.SIGSTOP)
    try:
        seconds = []
        for _ in range(200):
            started = time.perf_counter()
            assert adapter.hit(limiter, user("ada")).degraded
            seconds.append(time.perf_counter() - started)
            time.sleep(0.02)
    finally:
        os.kill(pid, signal.SIGCONT)
    print(
        f"\nfrozen server, {len(seconds)} calls: dearest {max(seconds):.3f} s, "
        f"median {statistics.median(seconds) * 1e6:.0f} us"
    )


def main(calls: int, processes: int) -> None:
    """Measure all and print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "servers"
        url = ensure_local_stack(folder).coordination_redis_url
        try:
            measure_speed(url, calls)
            measure_exactness(url, processes)
            with redis.Redis.from_url(url) as client:
                pid = client.info("server")["process_id"]
            measure_outage(url, pid)
        finally:
            stop_local_stack(folder)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(given[0] if given else 5_000, given[1] if given[1:] else 16)
