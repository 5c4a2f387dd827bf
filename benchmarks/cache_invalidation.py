"""Forget 1,000 keys among a million: an index of names against KEYS and SCAN.

`python -m benchmarks.cache_invalidation [KEYS]` (1,000,000 by default). Three ways
take turns on one server: ours; `KEYS pattern` and DEL, as the specification has it;
SCAN with MATCH and UNLINK. Prints milliseconds for each (median, slowest), and the
longest wait that another client saw meanwhile, beside what it sees when nothing
happens.
"""

import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from multiprocessing.connection import Connection
from pathlib import Path

from redis import Redis

from mentora_pipelines.adapters.valkey.cache import ValkeyCache
from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.invalidation import on_creator_update
from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack
from mentora_pipelines.settings.redis import RedisSettings

STALE = 1_000
ROUNDS = 7
BETWEEN_PINGS_S = 0.0005
IDLE_S = 0.3
BATCH = 50_000

FILL = """
for i = ARGV[1], ARGV[2] do redis.call('SET', 'student:progress:' .. i, '{"xp":1}') end
"""


def watch(url: str, orders: Connection) -> None:
    """Ping until told to stop; send back when each ping began and how long it took."""
    client = Redis.from_url(url)
    seen: list[tuple[float, float]] = []
    while not orders.poll():
        started = time.monotonic()
        client.ping()
        seen.append((started, time.monotonic() - started))
        time.sleep(BETWEEN_PINGS_S)
    orders.send(seen)
    client.close()


def main(total: int) -> None:
    """Fill a server, forget the same keys in three ways and print the figures."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        services = ensure_local_stack(Path(folder) / "server")
        stack.callback(stop_local_stack, Path(folder) / "server")
        client = stack.enter_context(Redis.from_url(services.redis_url))
        values, index = (
            stack.enter_context(
                closing(
                    ValkeyServer(
                        url, "benchmark", answer_timeout_s=RedisSettings().timeout_s
                    )
                )
            )
            for url in (services.redis_url, services.coordination_redis_url)
        )
        cache = stack.enter_context(closing(ValkeyCache(values, index)))
        for first in range(0, total, BATCH):
            client.eval(FILL, 0, first + 1, min(first + BATCH, total))

        def ours() -> int:
            return on_creator_update(cache, "ada")

        def by_keys() -> int:
            found = client.keys("videos:creator:ada:*")
            return int(client.delete(*found))

        def by_scan() -> int:
            found = client.scan_iter("videos:creator:ada:*", count=1000)
            return int(client.unlink(*found))

        def idle() -> int:
            time.sleep(IDLE_S)
            return STALE

        ways: dict[str, Callable[[], int]] = {
            "index (ours)": ours,
            "KEYS + DEL": by_keys,
            "SCAN + UNLINK": by_scan,
            "idle": idle,
        }
        spans: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        mine, theirs = multiprocessing.Pipe()
        watcher = multiprocessing.get_context("fork").Process(
            target=watch, args=(services.redis_url, theirs)
        )
        watcher.start()
        for _ in range(ROUNDS):
            for name, forget in ways.items():
                for page in range(STALE):
                    cache.set(keys.videos_of_creator("ada", f"cursor-{page}"), page)
                time.sleep(0.05)
                started = time.monotonic()
                removed = forget()
                spans[name].append((started, time.monotonic()))
                assert removed == STALE, (name, removed)
        mine.send("stop")
        pings: list[tuple[float, float]] = mine.recv()
        watcher.join()
    report(total, spans, pings)


def report(
    total: int,
    spans: dict[str, list[tuple[float, float]]],
    pings: list[tuple[float, float]],
) -> None:
    """Print the figures."""
    print(f"{STALE} of {total} keys, {ROUNDS} rounds: median, slowest; longest wait of")
    print("another client in a round: median, worst (ms)")
    medians: dict[str, float] = {}
    for name, rounds in spans.items():
        took = [(end - start) * 1000 for start, end in rounds]
        stalls = [
            max(
                (wait for begun, wait in pings if begun < end and begun + wait > start),
                default=0.0,
            )
            * 1000
            for start, end in rounds
        ]
        medians[name] = statistics.median(took)
        print(
            f"  {name:14} {medians[name]:8.1f} {max(took):8.1f}   "
            f"{statistics.median(stalls):7.2f} {max(stalls):7.2f}"
        )
    ours, by_keys, by_scan, _ = medians.values()
    print(f"  {by_keys / ours:.0f}x KEYS, {by_scan / ours:.0f}x SCAN")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
