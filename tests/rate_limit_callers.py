"""Many processes that call one limiter at the same moment, at the cost of a fork each.

A process of its own (`python -m tests.rate_limit_callers URL`) that is asked line by
line. It has no threads, and has imported what its children need.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any, TypeAlias

import redis  # noqa: F401  (before the forks, which would pay for it one by one)

from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.rate_limit_calls import (
    RateLimitCalls,
    rate_limit_script,
)
from mentora_pipelines.adapters.valkey.rate_limiter import ValkeyRateLimiter
from mentora_pipelines.domain.rate_limits.identity import user
from mentora_pipelines.domain.rate_limits.limits import Demand, Limiter, Window

PATIENCE_S = 30.0
"""A machine so busy that an answer takes longer than ours allows is not the subject."""

Outcome: TypeAlias = tuple[bool, int]
Child: TypeAlias = Callable[[ValkeyServer], list[Outcome]]


def calls(limiter: Limiter, name: str, count: int) -> Child:
    """Calls as the platform makes them: allowed or not, and when more are (in µs)."""

    def child(server: ValkeyServer) -> list[Outcome]:
        adapter = ValkeyRateLimiter(server)
        decisions = [adapter.hit(limiter, user(name)) for _ in range(count)]
        assert not any(decision.degraded for decision in decisions)
        return [
            (decision.allowed, round(decision.reset.timestamp() * 1e6))
            for decision in decisions
        ]

    return child


def calls_for(limiter: Limiter, name: str, windows: float) -> Child:
    """Calls without end for so many windows: allowed or not, and the server's µs."""

    def child(server: ValkeyServer) -> list[Outcome]:
        script, asked = rate_limit_script(), RateLimitCalls()
        outcomes: list[Outcome] = []
        while (
            not outcomes
            or outcomes[-1][1] - outcomes[0][1] < windows * limiter.window_s * 1e6
        ):
            call = asked.hit([Demand(limiter, user(name))])
            allowed, now, *_ = server.run(script, call.keys, call.arguments)
            outcomes.append((allowed == 1, now))
            if not allowed:
                time.sleep(0.001)
        return outcomes

    return child


def run_at_once(url: str, child: Child, processes: int) -> list[Outcome]:
    """Run the child in so many processes, which start together when all are there."""
    ready, tell_ready = os.pipe()
    gate, open_gate = os.pipe()
    readers = []
    for _ in range(processes):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(open_gate)
            server = ValkeyServer(url, "caller", answer_timeout_s=PATIENCE_S)
            with server.asked() as client:
                client.ping()
            os.write(tell_ready, b".")
            os.read(gate, 1)
            with os.fdopen(writer, "w") as told:
                json.dump(child(server), told)
            os._exit(0)
        os.close(writer)
        readers.append(reader)
    there = 0
    while there < processes:
        there += len(os.read(ready, processes))
    os.close(open_gate)
    outcomes: list[Outcome] = []
    for reader in readers:
        with os.fdopen(reader) as told:
            outcomes += json.load(told)
        os.wait()
    for end in (ready, tell_ready, gate):
        os.close(end)
    return outcomes


def question(
    limiter: Limiter, name: str, processes: int, **how: float
) -> dict[str, Any]:
    """A line for this process: `calls` each, or calls for so many `windows`."""
    return {"limiter": astuple(limiter), "name": name, "processes": processes, **how}


def main(url: str, lines: Sequence[str] = ()) -> None:
    """Answer questions until there are no more."""
    for line in lines or sys.stdin:
        asked = json.loads(line)
        name, limit, window_s, window, _ = asked["limiter"]
        limiter = Limiter(name, limit, window_s, Window(window))
        child = (
            calls(limiter, asked["name"], asked["calls"])
            if "calls" in asked
            else calls_for(limiter, asked["name"], asked["windows"])
        )
        json.dump(run_at_once(url, child, asked["processes"]), sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
