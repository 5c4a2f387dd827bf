"""How hosts are treated: few requests at a time, and none more when they ask for it.

Here belong the limits. Not here: requests.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mentora_pipelines.domain.operations.content_health import ProbeFault, Sighting

MAX_SILENCES = 5
"""So often in a row a host may give no answer; the rest of its lessons in a page share
the finding. Else a dead host with a thousand lessons takes hours."""

MAX_THROTTLES = 3
"""So often in a row a host may ask us to come later; then we do, in the next look."""


@dataclass(slots=True)
class Host:
    """What is known of one host in a page."""

    places: asyncio.Semaphore
    silences: int = 0
    throttles: int = 0

    @property
    def verdict(self) -> ProbeFault | None:
        """Why it is asked no more, if it is not."""
        if self.silences >= MAX_SILENCES:
            return ProbeFault.HOST_SILENT
        if self.throttles >= MAX_THROTTLES:
            return ProbeFault.THROTTLED
        return None

    def learn(self, seen: Sighting) -> None:
        """Take note of what a probe of it saw."""
        self.silences = self.silences + 1 if seen.is_silent else 0
        is_throttled = seen.fault is ProbeFault.THROTTLED
        self.throttles = self.throttles + 1 if is_throttled else 0


@dataclass(slots=True)
class Hosts:
    """The hosts of one page, under limits overall and for each."""

    concurrency: int
    per_host: int
    most_at_once: int = 0
    _at_once: int = 0
    _places: asyncio.Semaphore = field(init=False)
    _hosts: defaultdict[str, Host] = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.concurrency)
        self._hosts = defaultdict(lambda: Host(asyncio.Semaphore(self.per_host)))

    def __getitem__(self, name: str) -> Host:
        """What is known of a host."""
        return self._hosts[name]

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[None]:
        """Wait for a place at the host, then for one overall."""
        async with self._hosts[name].places, self._places:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                yield
            finally:
                self._at_once -= 1
