"""The breakers of providers: one per address, so that a dead one stops no other.

A provider is left alone after several failures in a row.
"""

from mentora_pipelines.adapters.breaker import Breaker
from mentora_pipelines.adapters.provider_calls.clock import Clock, SystemClock

FAILURES = 5
"""In a row: as many as one call makes of a provider that refuses every connection."""

PAUSE_S = 30.0

_breakers: dict[str, Breaker] = {}


def provider_breaker(clock: Clock | None = None) -> Breaker:
    """A breaker as providers need it."""
    clock = clock or SystemClock()
    return Breaker(PAUSE_S, failures=FAILURES, now=clock.now)


def breaker_of(address: str) -> Breaker:
    """The one breaker of this process for an address."""
    return _breakers.setdefault(address, provider_breaker())
