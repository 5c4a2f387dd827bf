"""The performance timer: how long what took, nested, across threads and tasks.

Here belong measurements. Not here: where they are kept. A clock that never goes back
is used; a duration is kept when the work fails.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

SLOW_S = 1.0
"""Above it a measurement is worth a line and a row of analytics, as specified."""

VERY_SLOW_S = 5.0
"""Above it the line is a warning, as specified."""

OpenSpan = Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One piece of work; `path` names it below those around it, the outermost first."""

    path: tuple[str, ...]
    duration_s: float
    failed: bool

    @property
    def label(self) -> str:
        """What was measured."""
        return self.path[-1]


def level_of(duration_s: float) -> str:
    """How loud a duration is said: `debug`, `info` or `warning`."""
    if duration_s > VERY_SLOW_S:
        return "warning"
    return "info" if duration_s > SLOW_S else "debug"


@dataclass
class PerformanceTimer:
    """Measures work and keeps each measurement; one timer may serve many threads.

    What is measured inside of other work, in the same thread or task, is its child. A
    new thread starts without a parent, unless it is given a copy of the context.
    """

    clock: Callable[[], float] = time.perf_counter
    _kept: list[Measurement] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """What has ended until now, in the order of the ends."""
        with self._lock:
            return tuple(self._kept)

    @contextmanager
    def measure(self, label: str) -> Iterator[None]:
        """Measure the body; an error goes on, and its duration is kept."""
        outer = _current.get()
        path = (*(outer[1] if outer and outer[0] is self else ()), label)
        token = _current.set((self, path))
        failed = True
        started = self.clock()
        try:
            with _span(label):
                yield
            failed = False
        finally:
            measured = Measurement(path, self.clock() - started, failed)
            _current.reset(token)
            with self._lock:
                self._kept.append(measured)

    def call(self, label: str, work: Callable[[], T]) -> tuple[T, float]:
        """What `work` returns, and the seconds it took."""
        started = self.clock()
        with self.measure(label):
            result = work()
        return result, self.clock() - started

    async def wait(self, label: str, work: Awaitable[T]) -> tuple[T, float]:
        """What `work` gives when it is awaited, and the seconds it took."""
        started = self.clock()
        with self.measure(label):
            result = await work
        return result, self.clock() - started


def timed(label: str) -> AbstractContextManager[None]:
    """Measure the body with the timer of whoever called; nothing without one."""
    outer = _current.get()
    return nullcontext() if outer is None else outer[0].measure(label)


def measured(label: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The same for each call of a function."""

    def wrap(work: Callable[P, T]) -> Callable[P, T]:
        @wraps(work)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with timed(label):
                return work(*args, **kwargs)

        return call

    return wrap


def show_spans(open_span: OpenSpan | None) -> None:
    """Let each measurement be a span of a trace too, or no longer (None)."""
    global _open_span  # noqa: PLW0603  (one for the process, as the client of Sentry)
    _open_span = open_span


def _span(label: str) -> AbstractContextManager[object]:
    return nullcontext() if _open_span is None else _open_span(label)


_open_span: OpenSpan | None = None

_current: ContextVar[tuple[PerformanceTimer, tuple[str, ...]] | None] = ContextVar(
    "mentora_timer", default=None
)
