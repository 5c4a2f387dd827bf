"""Pace: as many requests and tokens a minute as a provider lets through, and no more.

Here belong the buckets. A caller waits; nothing is dropped or cut smaller. Not here:
what to do when the provider is slower than its limits.
"""

import threading
from dataclasses import dataclass
from typing import Protocol

from mentora_pipelines.adapters.provider_calls.clock import Clock, SystemClock

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Quota:
    """What a provider lets through in a minute; None: no limit that we know of."""

    requests: int | None = None
    tokens: int | None = None


class Pace(Protocol):
    """Tells a request when it may go out."""

    def wait_s(self, tokens: float) -> float:
        """Seconds this request must wait; its place in the queue is taken."""
        ...


class Bucket:
    """A bucket that holds a minute's worth and fills evenly.

    What is taken beyond its contents is a debt that those behind wait for: so a
    request larger than the bucket passes, too, and nobody overtakes it.
    """

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._per_s = per_minute / MINUTE_S
        self._clock = clock
        self._full_at = clock.now()

    def take(self, amount: float) -> float:
        """Seconds until `amount` is there; 0 when it is there now."""
        now = self._clock.now()
        start = max(self._full_at, now)
        self._full_at = start + amount / self._per_s
        # Full a minute from now or later: the bucket is empty, its taker waits.
        return max(0.0, min(start, self._full_at - MINUTE_S) - now)


class LocalPace:
    """Satisfies `Pace` for the threads of this process."""

    def __init__(self, quota: Quota, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._requests = Bucket(quota.requests, clock) if quota.requests else None
        self._tokens = Bucket(quota.tokens, clock) if quota.tokens else None

    def wait_s(self, tokens: float) -> float:
        """Seconds this request must wait; its place in the queue is taken."""
        with self._lock:
            return max(
                self._requests.take(1) if self._requests else 0.0,
                self._tokens.take(tokens) if self._tokens else 0.0,
            )


_paces: dict[tuple[str, Quota], LocalPace] = {}


def pace_of(name: str, quota: Quota) -> LocalPace:
    """The one pace of this process for what shares a quota."""
    return _paces.setdefault((name, quota), LocalPace(quota))
