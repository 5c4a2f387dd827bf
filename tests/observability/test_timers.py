"""The performance timer: nested, in threads and tasks, and when the work fails."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentora_pipelines.observability.timers import (
    PerformanceTimer,
    level_of,
    timed,
)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def paths(timer: PerformanceTimer) -> list[tuple[str, ...]]:
    """What was measured, in the order of the ends."""
    return [each.path for each in timer.measurements]


def test_work_inside_of_work_is_its_child() -> None:
    """Else nobody sees which part of a stage is slow."""
    clock = Clock()
    timer = PerformanceTimer(clock)
    with timer.measure("audio"):
        clock.now += 1
        with timed("database"):
            clock.now += 0.25
        with timed("decoding"), timed("database"):
            clock.now += 0.5
    assert [(each.path, each.duration_s) for each in timer.measurements] == [
        (("audio", "database"), 0.25),
        (("audio", "decoding", "database"), 0.5),
        (("audio", "decoding"), 0.5),
        (("audio",), 1.75),
    ]


def test_the_duration_is_kept_when_the_work_fails() -> None:
    """Else a stage looks fast because its slow runs time out."""
    clock = Clock()
    timer = PerformanceTimer(clock)

    def fail() -> None:
        clock.now += 7
        raise TimeoutError

    with pytest.raises(TimeoutError):
        timer.call("request", fail)
    (measured,) = timer.measurements
    assert (measured.duration_s, measured.failed) == (7, True)


def test_a_call_is_made_and_gives_its_result_and_its_duration() -> None:
    """Else measuring work means not doing it, as the specification's `measure` did."""
    clock = Clock()
    timer = PerformanceTimer(clock)
    calls = []

    def work() -> str:
        calls.append(clock.now)
        clock.now += 3
        return "done"

    assert timer.call("work", work) == ("done", 3)
    assert calls == [0]


def test_the_same_label_in_many_threads_is_not_mixed_up() -> None:
    """Else one video's time is booked for another, as one shared map of labels did."""
    timer = PerformanceTimer()
    meet = threading.Barrier(8)

    def work(number: int) -> None:
        with timer.measure("video"):
            meet.wait()
            with timed(f"part {number}"):
                meet.wait()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    parts = {path for path in paths(timer) if len(path) == 2}
    assert parts == {("video", f"part {number}") for number in range(8)}
    assert paths(timer).count(("video",)) == 8


def test_the_same_label_in_many_tasks_is_not_mixed_up() -> None:
    """Else concurrent requests are each other's children."""
    timer = PerformanceTimer()

    async def work(number: int) -> int:
        with timed(f"part {number}"):
            await asyncio.sleep(0)
        return number

    async def all_of_them() -> list[tuple[int, float]]:
        return await asyncio.gather(
            *(timer.wait("request", work(number)) for number in range(5))
        )

    assert [result for result, _ in asyncio.run(all_of_them())] == list(range(5))
    assert {path for path in paths(timer) if len(path) == 2} == {
        ("request", f"part {number}") for number in range(5)
    }


def test_a_thread_that_is_given_the_context_is_a_part_of_the_work() -> None:
    """Else what a pool of threads does for a stage is missing in its figures."""
    timer = PerformanceTimer()

    def part() -> None:
        with timed("part"):
            pass

    with timer.measure("stage"), ThreadPoolExecutor(1) as threads:
        threads.submit(copy_context().run, part).result()
        threads.submit(part).result()
    assert paths(timer) == [("stage", "part"), ("stage",)]


def test_without_a_timer_nothing_is_measured() -> None:
    """Else code that is timed cannot be called alone."""
    with timed("alone"):
        pass


@given(st.floats(min_value=0, max_value=1e6))
def test_a_line_is_as_loud_as_the_work_was_slow(duration_s: float) -> None:
    """Else slow work drowns in lines about fast work."""
    loud = {"debug": 0, "info": 1, "warning": 2}[level_of(duration_s)]
    assert loud == (duration_s > 1) + (duration_s > 5)
