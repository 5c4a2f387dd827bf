"""The code server of `dagster dev`: nobody else starts it again when it dies.

Here belongs the watch over it. Not here: the daemon's own code server, which the daemon
replaces within a minute.
"""

import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.scheduler.instigation import InstigatorStatus

from mentora_pipelines.cli.daemon import Daemon
from mentora_pipelines.cli.lesson_runs import dagster_instance
from mentora_pipelines.cli.output import say

WATCH_S = 10.0
"""Seconds between two looks: two ticks of each sensor."""

RELOAD_TIMEOUT_S = 60.0

RUNNING = {InstigatorStatus.RUNNING, InstigatorStatus.DECLARED_IN_CODE}
"""Of a sensor that was started by hand, and of one whose code says that it runs."""

RELOAD = """
mutation { reloadWorkspace { __typename } }
"""


@dataclass
class CodeServerWatch:
    """Loads the definitions anew whenever they cannot be reached.

    `port` is that of the UI, which owns the code server.
    """

    port: int
    _next_look: float = field(default=0.0, init=False)
    _loaded: float = field(default_factory=time.time, init=False)

    def look(self, instance: dg.DagsterInstance) -> None:
        """Look, unless the last look was a moment ago."""
        if time.monotonic() < self._next_look:
            return
        if is_unreachable(instance, self._loaded):
            say("the code server is gone: starting another one")
            _reload(self.port)
            self._loaded = time.time()
        self._next_look = time.monotonic() + WATCH_S

    def until_end_of(self, daemon: Daemon) -> None:
        """Look on until `daemon` ends."""
        with dagster_instance() as instance:
            while not daemon.ended_within(WATCH_S):
                self.look(instance)


def is_unreachable(instance: dg.DagsterInstance, since: float) -> bool:
    """Whether a running sensor's newest tick after `since` has found no code server.

    `since` in seconds of the epoch: what a tick found before the definitions were
    loaded anew tells nothing, nor does one of a sensor that is stopped or gone.
    """
    for state in instance.all_instigator_state(
        instigator_type=InstigatorType.SENSOR, instigator_statuses=RUNNING
    ):
        for tick in instance.get_ticks(
            state.instigator_origin_id, state.selector_id, after=since, limit=1
        ):
            error = tick.error
            if error and error.cls_name == DagsterUserCodeUnreachableError.__name__:
                return True
    return False


def _reload(port: int) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": RELOAD}).encode(),
        headers={"Content-Type": "application/json"},
    )
    # What fails is tried again after the next tick.
    with (
        suppress(urllib.error.URLError, TimeoutError),
        # S310 is about schemes that a caller chooses: this one is written above.
        urllib.request.urlopen(request, timeout=RELOAD_TIMEOUT_S) as answer,  # noqa: S310
    ):
        answer.read()
