"""How a server is, and whether it forgets what it may and keeps what it must.

Not here: whom to tell (`probes`).
"""

import statistics
import time
from dataclasses import dataclass

from mentora_pipelines.adapters.valkey.connection import ValkeyServer

PINGS = 5


@dataclass(frozen=True, slots=True)
class ValkeyHealth:
    """What a server says of itself; sizes in bytes, 0 for no limit.

    `eviction_policy` is None where a host does not tell.
    """

    name: str
    version: str
    latency_ms: float
    used_bytes: int
    max_bytes: int
    eviction_policy: str | None
    clients: int


def ask_health(server: ValkeyServer) -> ValkeyHealth:
    """The state of a server; raises `TransientError` with the reason it gave."""
    with server.asked() as client:
        times = []
        for _ in range(PINGS):
            started = time.perf_counter()
            client.ping()
            times.append((time.perf_counter() - started) * 1000)
        facts = client.info()
    name = str(facts.get("server_name", "redis"))
    policy = facts.get("maxmemory_policy")
    return ValkeyHealth(
        name=name,
        version=str(facts.get(f"{name}_version", facts.get("redis_version", "?"))),
        latency_ms=statistics.median(times),
        used_bytes=int(facts.get("used_memory", 0)),
        max_bytes=int(facts.get("maxmemory", 0)),
        eviction_policy=None if policy is None else str(policy),
        clients=int(facts.get("connected_clients", 0)),
    )


def cache_fault(health: ValkeyHealth, *, shared: bool) -> str | None:
    """What is wrong with a server as a cache, or None.

    Vectors never expire, so whatever is not evicted by use fills it. A server that
    is also the coordination must not evict, and gives up caching when it is full.
    """
    policy = health.eviction_policy
    if shared or policy is None or policy.startswith("allkeys-"):
        return None
    return (
        f"{policy} does not suit vectors, which never expire: full, it would cache "
        "nothing more; set maxmemory and maxmemory-policy allkeys-lru"
    )


def coordination_fault(health: ValkeyHealth, *, shared: bool) -> str | None:
    """What is wrong with a server for what must not be forgotten, or None."""
    if health.eviction_policy in (None, "noeviction") or (
        # Without a limit nothing is ever evicted.
        health.max_bytes == 0
    ):
        return None
    remedy = (
        "set MENTORA_COORDINATION_REDIS_URL to a server with noeviction"
        if shared
        else "set maxmemory-policy noeviction"
    )
    return (
        f"{health.eviction_policy} can forget limits and indexes, which must not be; "
        f"{remedy}"
    )
