"""The cache while its real servers are stopped, killed, full and flushed."""

import itertools
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from mentora_pipelines.adapters.valkey.cache import ValkeyCache
from mentora_pipelines.adapters.valkey.connection import (
    ServerAway,
    ValkeyServer,
)
from mentora_pipelines.domain.caching import keys
from mentora_pipelines.domain.caching.cache import CacheKey, Miss
from mentora_pipelines.domain.caching.invalidation import (
    on_creator_update,
    on_video_update,
)
from mentora_pipelines.errors import TransientError
from tests.fix_cache import PATIENCE_S, PAUSE_S, open_test_cache
from tests.fix_valkey import StartValkey, ValkeyProcess
from tests.waiting import wait_until

PAGE = keys.videos_of_creator("ada", "next")
VIDEO = keys.video("v1")

SMALL = 4 << 20
"""Bytes of memory that are soon full."""

HIT = keys.rate_limit("api", "ada")

HASTE_S = 0.5
"""For an answer of a server that is stopped, and of one that is busy."""


def fill(client: Redis) -> None:
    """Write until the server takes no more, in smaller and smaller pieces."""
    for size in (100_000, 1_000, 10):
        with suppress(OutOfMemoryError):
            for number in itertools.count():
                client.set(f"fill:{size}:{number}", "x" * size)


def accepted_by(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that were made to it so far."""
    with suppress(TimeoutError):
        while True:
            yield listener.accept()[0]


def takes_up_again(cache: ValkeyCache, key: CacheKey[object]) -> None:
    """The cache stores and returns values again, by itself."""
    wait_until(lambda: cache.set(key, "again"))
    assert cache.get(key) == "again"


def bears_its_absence(cache: ValkeyCache) -> None:
    """No call raises but the one whose answer somebody depends on."""
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        return 7

    assert cache.get_or_compute(VIDEO, compute) == 7
    assert isinstance(cache.get(VIDEO), Miss)
    assert all(isinstance(one, Miss) for one in cache.get_many([VIDEO, PAGE]))
    assert not cache.set(VIDEO, 1)
    assert not cache.set_many([(CacheKey("e", keys.JSON, 9), 1)])
    assert not cache.delete(VIDEO)
    with pytest.raises(ZeroDivisionError):
        cache.get_or_compute(PAGE, lambda: 1 // 0)
    assert calls == [1]
    with pytest.raises(TransientError):
        on_video_update(cache, "v1", None)


@pytest.mark.parametrize("fault", ["stopped", "killed"])
def test_a_cache_that_is_away_is_borne_and_taken_up_again(
    start_valkey: StartValkey, valkey_coordination: ValkeyProcess, fault: str
) -> None:
    """Else an outage of the cache is one of the platform."""
    server = start_valkey(policy="allkeys-lru", max_memory=SMALL)
    timeout_s = HASTE_S if fault == "stopped" else PATIENCE_S
    with open_test_cache(server, valkey_coordination, timeout_s=timeout_s) as opened:
        opened.cache.set(VIDEO, "held")
        (server.freeze if fault == "stopped" else server.kill)()
        bears_its_absence(opened.cache)
        (server.thaw if fault == "stopped" else server.start)()
        takes_up_again(opened.cache, VIDEO)
        assert on_video_update(opened.cache, "v1", None) == 1


@pytest.mark.parametrize("fault", ["stopped", "killed"])
def test_nothing_is_cached_that_an_invalidation_could_not_find(
    valkey_cache: ValkeyProcess, start_valkey: StartValkey, fault: str
) -> None:
    """Else a page stored while the index was away stays after a change."""
    index = start_valkey()
    timeout_s = HASTE_S if fault == "stopped" else PATIENCE_S
    with open_test_cache(valkey_cache, index, timeout_s=timeout_s) as opened:
        cache = opened.cache
        cache.set(keys.videos_of_creator("ada", "held"), "held")
        (index.freeze if fault == "stopped" else index.kill)()
        assert cache.get_or_compute(PAGE, lambda: "fresh") == "fresh"
        assert not cache.set(PAGE, "fresh")
        assert cache.get_or_compute(PAGE, lambda: "later", wait_s=0) == "later"
        assert cache.increment(HIT, 60) is None
        # What needs no index is cached as ever, and what is held is served.
        assert cache.set(VIDEO, "by name")
        held = cache.get(keys.videos_of_creator("ada", "held"))
        assert held == "held"
        assert opened.names() == {"video:v1", "videos:creator:ada:page:held"}
        # The change is told to have failed, so it comes again; no reader waits for it.
        with pytest.raises(TransientError):
            on_creator_update(cache, "ada")
        assert isinstance(cache.get(keys.videos_of_creator("ada", "held")), Miss)
        (index.thaw if fault == "stopped" else index.start)()
        takes_up_again(cache, PAGE)
        wait_until(lambda: cache.increment(HIT, 60))
        assert on_creator_update(cache, "ada") >= 1
        assert "videos:creator:ada:page:next" not in opened.names()


def test_a_full_cache_serves_what_it_holds_and_still_forgets(
    start_valkey: StartValkey, valkey_coordination: ValkeyProcess
) -> None:
    """Else a cache that does not evict fails every reader, or serves old rows."""
    server = start_valkey(max_memory=SMALL)
    with open_test_cache(server, valkey_coordination) as opened:
        cache = opened.cache
        for key in (VIDEO, PAGE):
            cache.set(key, "held")
        fill(opened.values)
        assert cache.get(VIDEO) == cache.get_or_compute(PAGE, lambda: "new") == "held"
        other = keys.video("v2")
        assert cache.get_or_compute(other, lambda: "computed") == "computed"
        assert isinstance(cache.get(other), Miss)
        assert not cache.set(VIDEO, "new")
        assert on_video_update(cache, "v1", "ada") == 2
        assert cache.get_or_compute(VIDEO, lambda: "new") == "new"
        opened.values.flushall()
        takes_up_again(cache, VIDEO)


def test_a_full_coordination_server_bypasses_what_needs_its_index(
    valkey_cache: ValkeyProcess, start_valkey: StartValkey
) -> None:
    """Else its fault is the caller's, or an entry is stored that nobody finds."""
    index = start_valkey(max_memory=SMALL)
    with open_test_cache(valkey_cache, index) as opened:
        cache = opened.cache
        cache.set(PAGE, "held")
        fill(opened.indexes)
        other = keys.videos_of_creator("ada", "other")
        assert cache.get_or_compute(other, lambda: "computed") == "computed"
        assert cache.increment(HIT, 60) is None
        assert opened.names() == {PAGE.name}
        assert on_creator_update(cache, "ada") == 1
        opened.indexes.flushall()
        takes_up_again(cache, PAGE)
        assert cache.increment(HIT, 60) is not None


def test_flushed_servers_serve_no_old_value_and_go_on(
    start_valkey: StartValkey,
) -> None:
    """Else whoever flushes one server must know to flush the other."""
    server, index = start_valkey(), start_valkey()
    with open_test_cache(server, index) as opened:
        cache = opened.cache
        cache.set(PAGE, "old")
        cache.increment(HIT, 60)
        opened.indexes.flushall()
        on_creator_update(cache, "ada")
        assert isinstance(cache.get(PAGE), Miss)
        count = cache.increment(HIT, 60)
        assert count is not None
        assert count.hits == 1

        def flushed_meanwhile() -> str:
            opened.values.flushall()
            return "computed"

        assert cache.get_or_compute(PAGE, flushed_meanwhile) == "computed"
        takes_up_again(cache, PAGE)


def test_a_server_that_says_nothing_is_asked_once() -> None:
    """Else each of a thousand readers waits for a dead server in turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(0.01)
        url = f"redis://127.0.0.1:{port}"
        made = [
            ValkeyServer(url, "tests", answer_timeout_s=HASTE_S, pause_s=60)
            for _ in range(2)
        ]
        for server in made * 50:
            with pytest.raises(ServerAway), server.asked() as client:
                client.get("x")
        accepted = list(accepted_by(listener))
        assert len(accepted) == 1, "one attempt, for all clients of the process"
        for connection in accepted:
            connection.close()
        for server in made:
            server.close()


def test_after_a_pause_one_caller_tries(start_valkey: StartValkey) -> None:
    """Else nobody finds out that the server is back, or everybody waits for it."""
    server = start_valkey()
    client = ValkeyServer(
        server.url, "tests", answer_timeout_s=HASTE_S, pause_s=PAUSE_S
    )
    server.kill()

    def answers() -> bool:
        try:
            with client.asked() as asked:
                return bool(asked.ping())
        except ServerAway:
            return False

    assert not answers()
    server.start()
    wait_until(answers)
    with client.asked() as asked:
        assert asked.client_getname() == "tests"
    client.close()
