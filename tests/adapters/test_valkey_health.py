"""What `doctor` says of the cache and of the coordination server."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mentora_pipelines.domain.operations.platform_health import Reading
from mentora_pipelines.probes import PROBES, probe
from tests.fix_valkey import StartValkey, ValkeyProcess


@contextmanager
def asked_of(
    cache: ValkeyProcess, coordination: ValkeyProcess | None = None
) -> Iterator[dict[str, Reading]]:
    """The two readings of a machine with these servers."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDIS_URL", cache.url)
        if coordination is not None:
            environment.setenv("MENTORA_COORDINATION_REDIS_URL", coordination.url)
        else:
            environment.delenv("MENTORA_COORDINATION_REDIS_URL", raising=False)
        yield {name: probe(name, PROBES[name]) for name in ("cache", "coordination")}


def test_servers_that_suit_are_told_with_their_figures(
    valkey_cache: ValkeyProcess, valkey_coordination: ValkeyProcess
) -> None:
    """Else an operator cannot see how full or how slow the cache is."""
    with asked_of(valkey_cache, valkey_coordination) as found:
        assert [finding.healthy for finding in found.values()] == [True, True]
        cache = found["cache"].detail
    assert "valkey 9" in cache
    assert "answers in" in cache
    assert "MB of 268 MB" in cache
    assert "allkeys-lru suits what may be forgotten" in cache


def test_a_cache_that_fills_up_and_limits_that_are_forgotten_are_told(
    valkey_cache: ValkeyProcess, valkey_coordination: ValkeyProcess
) -> None:
    """Else the policies are swapped and nobody knows until a limit is gone."""
    with asked_of(valkey_coordination, valkey_cache) as found:
        assert not found["cache"].healthy
        assert "maxmemory-policy allkeys-lru" in found["cache"].detail
        assert not found["coordination"].healthy
        assert "maxmemory-policy noeviction" in found["coordination"].detail


def test_one_server_for_both_must_keep_what_must_not_be_forgotten(
    valkey_cache: ValkeyProcess, valkey_coordination: ValkeyProcess
) -> None:
    """Else the common set-up with one URL is called broken, or a bad one good."""
    with asked_of(valkey_coordination) as found:
        assert [finding.healthy for finding in found.values()] == [True, True]
    with asked_of(valkey_cache) as found:
        assert found["cache"].healthy
        assert "MENTORA_COORDINATION_REDIS_URL" in found["coordination"].detail


def test_a_server_that_is_away_is_told_without_its_address(
    start_valkey: StartValkey,
) -> None:
    """Else the doctor raises, or prints a password."""
    server = start_valkey()
    server.kill()
    with asked_of(server) as found:
        assert not found["cache"].healthy
        assert found["cache"].detail.startswith("no answer")
        assert str(server.port) not in found["cache"].detail
