"""A breaker: a server that did not answer is left alone for a moment.

Here belongs when a server may be asked. Not here: how, or what follows from silence.
"""

import time

PAUSE_S = 1.0
"""How long a silent server is left alone. One call a second pays for finding out
whether it is back; all others go on at once."""


class Breaker:
    """Whether a server may be asked; shared by all threads of a process.

    After a failure nobody asks for a pause; then one caller tries while the others
    keep away for another pause, and its success ends that.
    """

    def __init__(self) -> None:
        self._failing = False
        self._closed_until = 0.0

    def admits(self, pause_s: float) -> bool:
        """Whether this caller may ask; claims the one try after a pause."""
        if not self._failing:
            return True
        now = time.monotonic()
        if now < self._closed_until:
            return False
        # Two threads in the same microsecond both try: that costs one call more.
        self._closed_until = now + pause_s
        return True

    def failed(self, pause_s: float) -> None:
        """The server did not answer."""
        self._closed_until = time.monotonic() + pause_s
        self._failing = True

    def answered(self) -> None:
        """The server answered, whatever it said."""
        self._failing = False


_breakers: dict[str, Breaker] = {}


def breaker_of(address: str) -> Breaker:
    """The one breaker of this process for a server (`host:port`)."""
    return _breakers.setdefault(address, Breaker())
