"""64 processes ask for one missing key; and what a call costs, also without a server.

`python -m benchmarks.cache_stampede [CLIENTS]` (64 by default). Prints the computations
that were made (ours; get, compute and set as the specification has it), how long the
callers took, what a hit and a miss cost, and what a call costs while the server is
stopped (SIGSTOP).
"""

import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from redis import Redis

from mentora_pipelines.adapters.valkey.cache import ValkeyCache
from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.domain.caching import keys
from mentora_pipelines.local_stack import (
    LocalServices,
    ensure_local_stack,
    stop_local_stack,
)
from mentora_pipelines.settings.redis import RedisSettings

COMPUTE_S = 0.1
ROUNDS = 5
CALLS = 3_000
FROZEN_CALLS = 10

Read = Callable[[ValkeyCache, Redis, int], None]

fork = multiprocessing.get_context("fork")


def compute(client: Redis) -> str:
    """What takes a tenth of a second, and counts itself."""
    client.incr("computations")
    time.sleep(COMPUTE_S)
    return "value"


def by_lease(cache: ValkeyCache, client: Redis, number: int) -> None:
    """Our way: one computes, the others wait for it."""
    key = keys.videos_of_creator("ada", f"lease-{number}")
    cache.get_or_compute(key, lambda: compute(client))


def naively(_: ValkeyCache, client: Redis, number: int) -> None:
    """The specification's way: whoever misses computes."""
    if client.get(f"naive-{number}") is None:
        client.set(f"naive-{number}", compute(client), ex=3600)


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def stampede(services: LocalServices, read: Read, clients: int) -> None:
    """Let processes ask at once, several times, and print what happened."""
    together = fork.Barrier(clients)
    results = fork.SimpleQueue()

    def ask() -> None:
        with ExitStack() as stack:
            client = stack.enter_context(Redis.from_url(services.redis_url))
            client.ping()
            cache = stack.enter_context(opened(services))
            took = []
            for number in range(ROUNDS):
                together.wait()
                started = time.perf_counter()
                read(cache, client, number)
                took.append((time.perf_counter() - started) * 1000)
            results.put(took)

    callers = [fork.Process(target=ask) for _ in range(clients)]
    for caller in callers:
        caller.start()
    times = [one for _ in callers for one in results.get()]
    for caller in callers:
        caller.join()
    with Redis.from_url(services.redis_url) as client:
        made = int(client.getdel("computations") or 0)
    print(
        f"  {read.__name__:9} {made / ROUNDS:5.1f} computations a round; callers took "
        f"p50 {percentile(times, 0.5):.0f}, p99 {percentile(times, 0.99):.0f}, "
        f"slowest {max(times):.0f} ms"
    )


def opened(services: LocalServices, *, pause_s: float = 1.0) -> "closing[ValkeyCache]":
    """A cache over the two servers; its connections end with the process."""
    return closing(
        ValkeyCache(
            ValkeyServer(
                services.redis_url,
                "benchmark",
                answer_timeout_s=RedisSettings().timeout_s,
                pause_s=pause_s,
            ),
            ValkeyServer(
                services.coordination_redis_url,
                "benchmark",
                answer_timeout_s=RedisSettings().timeout_s,
            ),
        )
    )


def timed(work: Callable[[int], object], calls: int) -> list[float]:
    """Milliseconds of each call."""
    times = []
    for number in range(calls):
        started = time.perf_counter()
        work(number)
        times.append((time.perf_counter() - started) * 1000)
    return times


def show(what: str, times: list[float]) -> None:
    """One line of percentiles."""
    print(
        f"  {what:34} p50 {statistics.median(times):8.3f}  "
        f"p99 {percentile(times, 0.99):8.3f}  slowest {max(times):8.3f} ms"
    )


def main(clients: int) -> None:
    """Run all three parts."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        services = ensure_local_stack(Path(folder) / "server")
        stack.callback(stop_local_stack, Path(folder) / "server")
        print(
            f"{clients} processes, one key, a computation of {COMPUTE_S * 1000:.0f} ms"
        )
        for read in (by_lease, naively):
            stampede(services, read, clients)

        cache = stack.enter_context(opened(services))
        page = keys.videos_of_creator("ada", "held")
        cache.set(page, ["x" * 100] * 20)
        print("one client, a page of 2 kB")
        show("hit", timed(lambda _: cache.get_or_compute(page, int), CALLS))
        show(
            "miss, computed and stored, indexed",
            timed(
                lambda n: cache.get_or_compute(
                    keys.videos_of_creator("bob", str(n)), int
                ),
                CALLS,
            ),
        )
        show(
            "miss, computed and stored, by name",
            timed(lambda n: cache.get_or_compute(keys.video(str(n)), int), CALLS),
        )

        with Redis.from_url(services.redis_url) as client:
            pid = int(client.info("server")["process_id"])
        always = stack.enter_context(opened(services, pause_s=0.0))
        always.get(page)
        os.kill(pid, signal.SIGSTOP)
        try:
            print("the same with the server stopped")
            show(
                "each call asks (no breaker)",
                timed(lambda _: always.get_or_compute(page, int), FROZEN_CALLS),
            )
            show(
                "with the breaker",
                timed(lambda _: cache.get_or_compute(page, int), CALLS),
            )
        finally:
            os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
