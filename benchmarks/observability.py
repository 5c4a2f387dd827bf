"""What being watched costs: a lesson's run, a process without Sentry, a bad Sentry.

`python -m benchmarks.observability [RUNS]`: a sample lesson RUNS times (3), each in a
process of its own; then processes whose Sentry is well, away, hanging and refusing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from mentora_pipelines.local_stack import stop_local_stack
from mentora_pipelines.settings.environment import child_environment
from tests.fix_lessons import SAMPLES
from tests.fix_sentry import running_sink
from tests.fix_services import PROJECT, make_home

MAX_FLUSH_S = 1.0
MAX_OVERHEAD = 0.02
SAMPLE = "photosynthesis.mp4"

ENDS = """
import time
from mentora_pipelines.observability import incidents
incidents.start("command")
for number in range(5):
    incidents.capture_message(f"message {number}")
started = time.perf_counter()
incidents.flush()
print(time.perf_counter() - started)
"""

WITHOUT = """
import sys, time
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.timers import PerformanceTimer, timed
started = time.perf_counter()
incidents.start("run worker")
print(1e6 * (time.perf_counter() - started))
def each(work, calls=20000):
    started = time.perf_counter()
    for _ in range(calls):
        work()
    print(1e6 * (time.perf_counter() - started) / calls)
error = ValueError()
def trace():
    with incidents.traced("step", "audio", run="1"):
        pass
def part():
    with timed("database"):
        pass
timer = PerformanceTimer()
def measured():
    with timer.measure("stage"):
        pass
each(lambda: incidents.capture_exception(error))
each(trace)
each(part)
each(measured)
print("sentry_sdk" in sys.modules)
"""


def main() -> None:
    """Print the figures; fail when a bound is broken."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("runs", type=int, nargs="?", default=3)
    arguments.add_argument("--lesson", action="store_true", help="one run, as JSON")
    given = arguments.parse_args()
    if given.lesson:
        print(json.dumps(_watched_lesson()))
        return
    flushes = {fault: _flush_s(fault) for fault in ("well", "away", "hangs", "refuses")}
    for fault, seconds in flushes.items():
        print(f"Sentry {fault:8} flush at the end of a process {seconds:.2f} s")
    names = ("start", "capture", "trace", "timed, no timer", "timed")
    *costs, imported = _said(WITHOUT, SENTRY_DSN="").split()
    for name, cost in zip(names, costs, strict=True):
        print(f"without SENTRY_DSN: {name:16} {float(cost):8.2f} µs")
    assert imported == "False"
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "home")
        for number in range(given.runs):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.observability", "--lesson"],
                cwd=home,
                env=child_environment(PYTHONPATH=str(PROJECT), DAGSTER_HOME=str(home)),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            found = json.loads(done.stdout.splitlines()[-1])
            share = found["watching_s"] / found["run_s"]
            shares.append(share)
            print(
                f"run {number + 1}: {found['run_s']:.2f} s of CPU, watched for "
                f"{1000 * found['watching_s']:.0f} ms: {100 * share:.2f} %"
            )
        stop_local_stack(home / ".mentora")
    assert max(flushes.values()) <= MAX_FLUSH_S, flushes
    assert median(shares) < MAX_OVERHEAD, shares


def _flush_s(fault: str) -> float:
    with running_sink() as sink:
        dsn = sink.dsn
        if fault == "away":
            dsn = dsn.replace(f":{sink.port}", ":1")
        elif fault == "hangs":
            sink.hangs = threading.Event()
        elif fault == "refuses":
            sink.status = 429
        return float(_said(ENDS, SENTRY_DSN=dsn))


def _said(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment(PYTHONPATH=str(PROJECT), **environment),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def _watched_lesson() -> dict[str, float]:
    """CPU seconds of a lesson's run, and of them those that watching took.

    Counted where they arise: two runs with and without differ by more than a hundredth
    for other reasons. What a statement costs the server is wall time here, so that it
    counts in full.
    """
    import dagster as dg

    from assets import observation
    from mentora_pipelines.adapters.postgres.operations.stage_timings import (
        StageTimingRows,
    )
    from mentora_pipelines.definitions import defs
    from mentora_pipelines.domain.uploads import parse_upload_key
    from mentora_pipelines.observability.timers import PerformanceTimer
    from mentora_pipelines.providers.lessons import open_catalogue
    from mentora_pipelines.providers.storage import make_storage

    spent = {"cpu": 0.0, "wall": 0.0, "measured": 0.0}

    conclude, keep = observation._conclude, StageTimingRows.keep_stage_run  # noqa: SLF001  (what is measured)

    def concluded(*args: Any) -> None:  # noqa: ANN401
        started = time.thread_time()
        conclude(*args)
        spent["cpu"] += time.thread_time() - started

    def kept(*args: Any) -> int:  # noqa: ANN401
        started, cpu = time.perf_counter(), time.thread_time()
        refusals = keep(*args)
        spent["wall"] += time.perf_counter() - started
        spent["cpu"] -= time.thread_time() - cpu
        return refusals

    setattr(observation, "_conclude", concluded)  # noqa: B010  (what is measured)
    setattr(StageTimingRows, "keep_stage_run", kept)  # noqa: B010  (the same)
    key = f"uploads/2026-11-01/bench@mentora.example/{time.time_ns()}.mp4"
    storage = make_storage()
    with (SAMPLES / SAMPLE).open("rb") as content:
        # Other bytes each time: what was heard once is not heard again.
        stored = storage.put(key, content)
    with (
        open_catalogue() as catalogue,
        dg.DagsterInstance.from_config(".") as instance,
    ):
        video = catalogue.register_upload(stored, parse_upload_key(key))
        instance.add_dynamic_partitions("videos", [str(video.id)])
        started = time.process_time()
        result = defs.resolve_job_def("lesson_job").execute_in_process(
            instance=instance, partition_key=str(video.id)
        )
        run_s = time.process_time() - started
        assert result.success
    timer = PerformanceTimer()
    begun = time.thread_time()
    for _ in range(1000):
        with timer.measure("x"):
            pass
    each_s = (time.thread_time() - begun) / 1000
    # A lesson's steps ask the database some hundred times.
    spent["measured"] = 200 * each_s
    return {"run_s": run_s, "watching_s": sum(spent.values())}


if __name__ == "__main__":
    main()
