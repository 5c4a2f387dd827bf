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

    def wait_s(self, tokens: float, longest_s: float) -> float:
        """Seconds this request must wait; its place is taken unless that is longer."""
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

    def wait_s(self, amount: float) -> float:
        """Seconds until `amount` is there; 0 when it is there now."""
        now = self._clock.now()
        start = max(self._full_at, now)
        # Full a minute from now or later: the bucket is empty, its taker waits.
        empty_until = start + amount / self._per_s - MINUTE_S
        return max(0.0, min(start, empty_until) - now)

    def take(self, amount: float) -> None:
        """Take `amount`, or owe it."""
        self._full_at = max(self._full_at, self._clock.now()) + amount / self._per_s


class LocalPace:
    """Satisfies `Pace` for the threads of this process."""

    def __init__(self, quota: Quota, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._requests = Bucket(quota.requests, clock) if quota.requests else None
        self._tokens = Bucket(quota.tokens, clock) if quota.tokens else None

    def wait_s(self, tokens: float, longest_s: float) -> float:
        """Seconds this request must wait; its place is taken unless that is longer."""
        wanted = [
            (bucket, amount)
            for bucket, amount in ((self._requests, 1.0), (self._tokens, tokens))
            if bucket is not None
        ]
        with self._lock:
            wait_s = max((one.wait_s(amount) for one, amount in wanted), default=0.0)
            if wait_s <= longest_s:
                for bucket, amount in wanted:
                    bucket.take(amount)
        return wait_s


_paces: dict[tuple[str, Quota], LocalPace] = {}


def pace_of(name: str, quota: Quota) -> LocalPace:
    """The one pace of this process for what shares a quota."""
    return _paces.setdefault((name, quota), LocalPace(quota))
