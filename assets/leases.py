"""The lease under which a step works on a video."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from mentora_pipelines.domain.leases import Leases, owner_of
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import Busy


@contextmanager
def held_lease(leases: Leases, video: Video, run: dg.DagsterRun) -> Iterator[int]:
    """The fencing token of the run's lease; raises `Busy` while another run has it.

    Between two steps the run keeps it: the next one may wait long for its pool.
    """
    token = leases.hold(video, owner_of(run.run_id, run.root_run_id))
    if token is None:
        raise Busy("another run works on the video")
    try:
        yield token
    finally:
        leases.rest(video)
