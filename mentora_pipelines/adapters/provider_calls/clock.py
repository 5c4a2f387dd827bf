"""Time as the retry, the pace and the breaker see it, so that tests need not wait."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells seconds that only go forward, and waits."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...


class SystemClock:
    """Satisfies `Clock`: the machine's own."""

    def now(self) -> float:
        """Seconds since some moment; setting the time of day does not move them."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        time.sleep(seconds)
