"""Computations that run beside their callers: few at a time, and their faults told.

Not here: what is computed, or who may.
"""

import logging
import threading
from collections.abc import Callable

MOST_AT_ONCE = 4
"""Per cache. Who finds them all busy serves the old value, and the next one tries."""

CLOSE_TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


class Refreshes:
    """Threads that end with the process; `close` waits for them a moment."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._running: set[threading.Thread] = set()

    def start(self, work: Callable[[], object]) -> bool:
        """Run `work` in a thread of its own, if there is a place; whether it is."""
        if not self._places.acquire(blocking=False):
            return False
        thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._running.add(thread)
        thread.start()
        return True

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  (nobody above could catch it)
            # Its text may hold what a log must not.
            logger.warning("a cached value was not refreshed: %s", type(error).__name__)
        finally:
            self._running.discard(threading.current_thread())
            self._places.release()

    def close(self) -> None:
        """Wait for what runs, so that it does not meet closed connections."""
        for thread in list(self._running):
            thread.join(CLOSE_TIMEOUT_S)
