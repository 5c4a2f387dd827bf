"""The breakers of our servers: one for each server and pause, in this process."""

from mentora_pipelines.adapters.breaker import Breaker

PAUSE_S = 1.0
"""How long a silent server is left alone. One call a second pays for finding out
whether it is back; all others go on at once."""

_breakers: dict[tuple[str, float], Breaker] = {}


def breaker_of(address: str, pause_s: float) -> Breaker:
    """The one breaker of this process for a server (`host:port`) and that pause."""
    return _breakers.setdefault((address, pause_s), Breaker(pause_s))
