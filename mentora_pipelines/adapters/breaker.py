"""A breaker: a server that did not answer is left alone for a moment.

Here belongs when a server may be asked. Not here: how, what counts as a failure, or
what follows from silence.

Not pybreaker: it holds a lock while it asks, and one request that hangs would make all
threads of the process wait.
"""

import time
from collections.abc import Callable


class Breaker:
    """Whether a server may be asked; shared by all threads of a process.

    After `failures` in a row nobody asks for `pause_s`; then one caller tries while the
    others keep away for another pause, and its success ends that.
    """

    def __init__(
        self,
        pause_s: float,
        *,
        failures: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause_s = pause_s
        self._limit = failures
        self._now = now
        self._failures = 0
        self._closed_until = 0.0

    def wait_s(self) -> float:
        """Seconds until it may be asked; 0 claims the one try after a pause."""
        if self._failures < self._limit:
            return 0.0
        now = self._now()
        if now < self._closed_until:
            return self._closed_until - now
        # Two threads in the same microsecond both try: that costs one request more.
        self._closed_until = now + self._pause_s
        return 0.0

    def closed_s(self) -> float:
        """Seconds for which nobody will be asked; claims nothing."""
        if self._failures < self._limit:
            return 0.0
        return max(0.0, self._closed_until - self._now())

    def failed(self) -> None:
        """The server did not answer, or only that it cannot."""
        # The moment first: who sees the last failure sees until when to keep away.
        self._closed_until = self._now() + self._pause_s
        self._failures += 1

    def answered(self) -> None:
        """The server answered, whatever it said."""
        self._failures = 0
