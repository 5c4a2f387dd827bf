"""Caches over the test run's own Valkey servers, each under a prefix of its own."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from redis import Redis

from mentora_pipelines.adapters.valkey.cache import ValkeyCache
from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from tests.fix_valkey import ValkeyProcess

PATIENCE_S = 5.0
"""For tests that are not about time-outs: the machine may be busy."""

PAUSE_S = 0.05
"""A dead server is left alone only this long, so that tests need not wait."""

_prefixes = (f"test{number}:" for number in itertools.count(1))


class OpenCache:
    """A cache, its servers' plain clients to look behind it, and its prefix."""

    def __init__(
        self,
        cache: ValkeyProcess,
        coordination: ValkeyProcess,
        *,
        timeout_s: float = PATIENCE_S,
    ) -> None:
        self.prefix = next(_prefixes)
        self._stack = ExitStack()
        self.server, index = (
            self._stack.enter_context(
                closing(
                    ValkeyServer(
                        process.url,
                        "tests",
                        answer_timeout_s=timeout_s,
                        pause_s=PAUSE_S,
                    )
                )
            )
            for process in (cache, coordination)
        )
        self.cache = ValkeyCache(self.server, index, self.prefix)
        self._stack.callback(self.cache.close)
        self.values = self._client(cache)
        self.indexes = self._client(coordination)

    def _client(self, process: ValkeyProcess) -> Redis:
        client = Redis.from_url(process.url, decode_responses=True)
        self._stack.callback(client.close)
        return client

    def names(self) -> set[str]:
        """The cached values: every name under the prefix but the cache's own."""
        found = (str(name) for name in self.values.scan_iter(f"{self.prefix}*"))
        short = (name.removeprefix(self.prefix) for name in found)
        return {name for name in short if not name.startswith("cache-")}

    def close(self) -> None:
        """Close everything."""
        self._stack.close()


@contextmanager
def open_test_cache(
    cache: ValkeyProcess, coordination: ValkeyProcess, *, timeout_s: float = PATIENCE_S
) -> Iterator[OpenCache]:
    """A cache over these servers, closed at the end."""
    opened = OpenCache(cache, coordination, timeout_s=timeout_s)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(params=["two servers", "one server"])
def opened(
    request: pytest.FixtureRequest,
    valkey_cache: ValkeyProcess,
    valkey_coordination: ValkeyProcess,
) -> Iterator[OpenCache]:
    """A cache over two servers, and over one that is both."""
    one = request.param == "one server"
    coordination = valkey_cache if one else valkey_coordination
    with open_test_cache(valkey_cache, coordination) as made:
        yield made
