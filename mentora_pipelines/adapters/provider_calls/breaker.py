"""A breaker: a provider that failed several times in a row is left alone for a moment.

Here belongs when a provider may be asked. Not here: what counts as a failure, or what
follows. One breaker per address, so that a dead provider keeps nobody from another.

Not pybreaker: it holds a lock while it asks, and one request that hangs would make all
threads of the process wait.
"""

from mentora_pipelines.adapters.provider_calls.clock import Clock, SystemClock

FAILURES = 5
"""In a row: as many as one call makes of a provider that refuses every connection."""

PAUSE_S = 30.0


class Breaker:
    """Whether a provider may be asked; shared by all threads of a process.

    After a pause one caller tries while the others keep away for another pause; its
    success ends that.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._failures = 0
        self._closed_until = 0.0

    def pause_s(self) -> float:
        """Seconds until it may be asked; 0 claims the one try after a pause."""
        if self._failures < FAILURES:
            return 0.0
        now = self._clock.now()
        if now < self._closed_until:
            return self._closed_until - now
        # Two threads in the same microsecond both try: that costs one request more.
        self._closed_until = now + PAUSE_S
        return 0.0

    def closed_s(self) -> float:
        """Seconds for which nobody will be asked; claims nothing."""
        if self._failures < FAILURES:
            return 0.0
        return max(0.0, self._closed_until - self._clock.now())

    def failed(self) -> None:
        """The provider did not answer, or only that it cannot."""
        self._failures += 1
        self._closed_until = self._clock.now() + PAUSE_S

    def answered(self) -> None:
        """The provider answered, whatever it said."""
        self._failures = 0


_breakers: dict[str, Breaker] = {}


def breaker_of(address: str) -> Breaker:
    """The one breaker of this process for an address."""
    return _breakers.setdefault(address, Breaker())
