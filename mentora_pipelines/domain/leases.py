"""Leases: one run at a time works on a video.

Here belong how long a lease holds and how long a step may take in all. Not here: the
threads that renew it. The token grows with each new owner, and a write under an older
one comes too late (fencing, as in Kleppmann, Designing Data-Intensive Applications,
chapter 8: a lease alone does not stop an owner that slept through its end).
"""

from datetime import timedelta
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.videos import Video

LEASE = timedelta(seconds=90)
"""How long an owner that says nothing more keeps a video."""

RENEWAL = LEASE / 3
"""Two renewals may fail before the lease does."""

SHORTEST_LIMIT = timedelta(minutes=20)
"""Of a step of any video: models load, providers are slow."""

LIMIT_PER_SECOND = 1.0
"""Seconds that a step may take for each second of the video. Recognition, the slowest
step, does 27 seconds of speech in one second of one core: six hours take a quarter of
one. A longer limit would be cut off by that of the whole run (see dagster.yaml)."""


@runtime_checkable
class Leases(Protocol):
    """Holds videos for their owners, as long as the process lives."""

    def hold(self, video: Video, owner: str) -> int | None:
        """The fencing token, or None while somebody else holds the video.

        `owner` is `{first run of the chain}:{run}`: a run takes over at once from
        another one of its chain, which its launcher has given up. The lease is renewed
        from now on, but only for `step_limit` unless `rest` is called before.
        """
        ...

    def rest(self, video: Video) -> None:
        """The step has ended: the lease is kept for the next one, however late."""
        ...


def owner_of(run_id: str, first_run_id: str | None) -> str:
    """The owner's name; `first_run_id` is that of the chain of re-executions."""
    return f"{first_run_id or run_id}:{run_id}"


def run_of(owner: str) -> str:
    """The run that an owner's name stands for."""
    return owner.rpartition(":")[2]


def step_limit(duration_s: float | None) -> timedelta:
    """How long one step may hold a video of `duration_s` seconds (None: unknown)."""
    return max(SHORTEST_LIMIT, timedelta(seconds=LIMIT_PER_SECOND * (duration_s or 0)))
