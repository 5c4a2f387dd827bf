"""Probes of lessons: those on the web, and those in our own storage.

Here belongs one page at a time. Not here: what a sighting means.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeAlias

from mentora_pipelines.adapters.http_probe.hosts import Hosts
from mentora_pipelines.adapters.http_probe.prober import HttpProber
from mentora_pipelines.domain.operations.content_health import (
    LessonAddress,
    LinkRenewer,
    ProbeFault,
    Sighting,
)
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.errors import InvalidInput, MentoraError, TransientError
from mentora_pipelines.observability.logs import log
from mentora_pipelines.observability.scrubbing import told

STORAGE_THREADS = 8

Owns: TypeAlias = Callable[[str], bool]
"""Whether a key in our storage is that of whoever chose an address."""

_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:|//|\\)", re.IGNORECASE)


class NoLinkRenewer:
    """Satisfies `LinkRenewer` for a storage that signs no links, as a folder."""

    def renewed(self, url: str, owns: Owns) -> str | None:
        """None: no link leads to us."""
        del url, owns
        return None


class WebLessonProber:
    """Satisfies `LessonProber`; closed by `close`."""

    def __init__(
        self,
        http: HttpProber,
        storage: ObjectStorage,
        renewer: LinkRenewer,
        controls: Sequence[str] = (),
    ) -> None:
        self._http = http
        self._storage = storage
        self._renewer = renewer
        self._controls = tuple(controls)
        self._threads = ThreadPoolExecutor(STORAGE_THREADS, "content-health")

    def probe(self, lessons: Sequence[LessonAddress]) -> list[Sighting]:
        """One sighting per lesson, in their order; whatever happens is a sighting."""
        return asyncio.run(
            self._probe_all([(lesson.address, lesson.owns) for lesson in lessons])
        )

    def controls_answer(self) -> bool | None:
        """Whether any control address answers; None when there is none."""
        if not self._controls:
            return None
        controls = [(address, _owns_nothing) for address in self._controls]
        seen = asyncio.run(self._probe_all(controls))
        return any(sighting.status is not None for sighting in seen)

    def close(self) -> None:
        """Let its threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _probe_all(self, addresses: Sequence[tuple[str, Owns]]) -> list[Sighting]:
        hosts = self._http.new_hosts()
        return await asyncio.gather(
            *(self._alone(address, owns, hosts) for address, owns in addresses)
        )

    async def _alone(self, address: str, owns: Owns, hosts: Hosts) -> Sighting:
        """A probe whose surprises stay its own; an error of ours ends the page."""
        try:
            return await self._probe(address, owns, hosts)
        except MentoraError:
            raise
        except Exception as error:  # noqa: BLE001  (a stranger's answer chooses it)
            log("error", "lesson not probed", error=told(error))
            return Sighting(fault=ProbeFault.OURS)

    async def _probe(self, address: str, owns: Owns, hosts: Hosts) -> Sighting:
        if not _SCHEME.match(address):
            key = address.removeprefix("/")
            if not owns(key):
                return Sighting(fault=ProbeFault.REFUSED)
            return await self._in_thread(key)
        seen = await self._http.probe(address, hosts)
        if not seen.link_expired:
            return seen
        loop = asyncio.get_running_loop()
        try:
            fresh = await loop.run_in_executor(
                self._threads, self._renewer.renewed, address, owns
            )
        except TransientError:
            return Sighting(fault=ProbeFault.OURS)
        if fresh is None:
            return seen
        return replace(await self._http.probe(fresh, hosts), renewed=True)

    async def _in_thread(self, key: str) -> Sighting:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._stored, key)

    def _stored(self, key: str) -> Sighting:
        """Whether our storage holds an object that is not empty."""
        try:
            found = self._storage.stat(key)
        except InvalidInput:
            return Sighting(fault=ProbeFault.REFUSED)
        except TransientError:
            return Sighting(fault=ProbeFault.OURS)
        if found is None:
            return Sighting(status=404)
        return Sighting(
            status=200,
            content_type="application/octet-stream",
            has_bytes=found.size > 0,
        )


def _owns_nothing(key: str) -> bool:
    del key
    return False
