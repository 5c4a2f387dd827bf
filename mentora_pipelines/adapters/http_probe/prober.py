"""A probe: HEAD, then two bytes, redirect by redirect, each hop through the guard.

Here belongs the course of a probe. Not here: pages of lessons (`lessons`).
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from mentora_pipelines.adapters.http_probe.connections import ProbeEnded, connect
from mentora_pipelines.adapters.http_probe.exchanges import Answer, Exchanges
from mentora_pipelines.adapters.http_probe.guard import Guard
from mentora_pipelines.adapters.http_probe.hosts import Hosts
from mentora_pipelines.adapters.http_probe.pauses import pause_s
from mentora_pipelines.adapters.http_probe.web_urls import (
    UrlRefused,
    WebUrl,
    parse_web_url,
    redirected,
)
from mentora_pipelines.domain.operations.content_health import (
    FAILING,
    ProbeFault,
    Sighting,
    outcome_of,
)
from mentora_pipelines.domain.operations.signed_links import says_expired

MAX_REDIRECTS = 5
REDIRECTS = frozenset((301, 302, 303, 307, 308))
MAX_PROBE_BYTES = 24 << 10
"""Read over one connection at most, heads and bodies together."""

MAX_PAUSE_S = 5.0
"""A longer Retry-After is for the next look."""

PAUSES = 2


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """`timeout_s` for all requests of a probe, waiting for a place not counted."""

    timeout_s: float = 15.0
    concurrency: int = 64
    per_host: int = 4


class HttpProber:
    """Probes web addresses."""

    def __init__(
        self, guard: Guard, limits: ProbeLimits, tls: ssl.SSLContext | None = None
    ) -> None:
        self._guard = guard
        self._limits = limits
        self._tls = tls or ssl.create_default_context()
        self.most_connections = 0

    def new_hosts(self) -> Hosts:
        """The hosts of a page, of which nothing is known."""
        return Hosts(self._limits.concurrency, self._limits.per_host)

    async def probe(self, address: str, hosts: Hosts) -> Sighting:
        """What is seen at `address`; whatever happens is a sighting."""
        started = time.monotonic()
        try:
            seen = await _Probe(self, hosts).follow(parse_web_url(address))
        except UrlRefused:
            return Sighting(fault=ProbeFault.REFUSED)
        except ProbeEnded as error:
            seen = Sighting(fault=error.fault)
        self.most_connections = max(self.most_connections, hosts.most_at_once)
        latency_ms = round((time.monotonic() - started) * 1000, 1)
        return Sighting(
            status=seen.status,
            fault=seen.fault,
            content_type=seen.content_type,
            has_bytes=seen.has_bytes,
            link_expired=seen.link_expired,
            latency_ms=latency_ms,
        )

    async def visit(self, url: WebUrl, timeout_s: float, *, by_head: bool) -> Answer:
        """The answer of one hop: of HEAD if it redirects or throttles, else of GET.

        HEAD may be refused, broken or left unanswered by a server that plays the
        video; without `by_head` it is not sent. Raises `UrlRefused`, `ProbeEnded` and
        `TimeoutError`.
        """
        async with asyncio.timeout(timeout_s):
            if by_head:
                answer = await self._head_then_get(url, timeout_s)
            else:
                answer = await self._get(url, timeout_s)
            if answer.status == 416:
                # An empty file, or a server that does not know ranges.
                answer = await self._get(url, timeout_s, ranged=False)
            return answer

    async def _head_then_get(self, url: WebUrl, timeout_s: float) -> Answer:
        """Over one connection if the server keeps it, else one after another."""
        async with self._opened(url, timeout_s) as exchanges:
            try:
                async with asyncio.timeout(timeout_s / 3):
                    head = await exchanges.ask(url, "HEAD")
                if head.status in REDIRECTS or head.status == 429:
                    return head
                goes_on = exchanges.can_go_on()
            except (ProbeEnded, TimeoutError):
                goes_on = False
            if goes_on:
                # It may close the connection that it said it would keep.
                with suppress(ProbeEnded):
                    return await exchanges.ask(url, "GET", ranged=True)
        return await self._get(url, timeout_s)

    async def _get(
        self, url: WebUrl, timeout_s: float, *, ranged: bool = True
    ) -> Answer:
        """The answer of GET over a connection of its own."""
        async with self._opened(url, timeout_s) as exchanges:
            return await exchanges.ask(url, "GET", ranged=ranged)

    @asynccontextmanager
    async def _opened(self, url: WebUrl, timeout_s: float) -> AsyncIterator[Exchanges]:
        try:
            addresses = await self._guard.addresses_of(url)
        except socket.gaierror as error:
            absent = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5))
            fault = (
                ProbeFault.NO_SUCH_HOST
                if error.errno in absent
                else ProbeFault.NO_NAME_SERVER
            )
            raise ProbeEnded(fault) from None
        connection = await connect(
            url,
            addresses,
            tls=self._tls,
            timeout_s=timeout_s / 3,
            max_bytes=MAX_PROBE_BYTES,
        )
        try:
            yield Exchanges(connection)
        finally:
            connection.abort()

    @property
    def timeout_s(self) -> float:
        """Seconds for all requests of a probe."""
        return self._limits.timeout_s


class _Probe:
    """One probe on its way; waiting for a place costs it no time."""

    def __init__(self, prober: HttpProber, hosts: Hosts) -> None:
        self._prober = prober
        self._hosts = hosts
        self._left_s = prober.timeout_s
        self._pauses = PAUSES
        self._by_head = True
        self._was_redirected = False

    async def follow(self, url: WebUrl) -> Sighting:
        """What is seen at the end of the redirects.

        HEAD may be sent astray, or to a link that is signed for HEAD alone: where that
        leads to nothing, or where nothing may be asked, those of GET are followed. A
        host that is silent is not asked again: it counts once for each lesson.
        """
        try:
            seen = await self._follow(url)
        except UrlRefused:
            if not self._has_another_way:
                raise
        else:
            is_failing = outcome_of(seen, network_is_up=True) in FAILING
            if seen.is_silent or not is_failing or not self._has_another_way:
                return seen
        self._by_head = False
        return await self._follow(url)

    @property
    def _has_another_way(self) -> bool:
        """Whether HEAD was redirected, and there is time to see where GET is."""
        return self._was_redirected and self._left_s > 0

    async def _follow(self, url: WebUrl) -> Sighting:
        for _ in range(MAX_REDIRECTS + 1):
            host = self._hosts[url.host]
            try:
                answer = await self._answer(url)
            except ProbeEnded as error:
                seen = Sighting(fault=error.fault)
                if error.fault is not ProbeFault.HOST_SILENT:
                    host.learn(seen)
                return seen
            host.learn(Sighting(status=answer.status))
            if answer.status not in REDIRECTS:
                return _sighting(url, answer)
            self._was_redirected = True
            if not answer.location:
                break
            url = redirected(url, answer.location)
        return Sighting(fault=ProbeFault.LOST)

    async def _answer(self, url: WebUrl) -> Answer:
        """The answer of a hop, asked for again after a bounded pause if it says so."""
        while True:
            async with self._hosts.place(url.host):
                verdict = self._hosts[url.host].verdict
                if verdict is not None:
                    raise ProbeEnded(verdict)
                answer = await self._timed(url)
            if answer.status not in (429, 503):
                return answer
            wanted_s = pause_s(answer)
            if self._pauses and wanted_s <= min(MAX_PAUSE_S, self._left_s):
                self._pauses -= 1
                self._left_s -= wanted_s
                await asyncio.sleep(wanted_s)
            elif answer.status == 429:
                raise ProbeEnded(ProbeFault.THROTTLED)
            else:
                return answer

    async def _timed(self, url: WebUrl) -> Answer:
        started = time.monotonic()
        try:
            left_s = max(self._left_s, 0.001)
            return await self._prober.visit(url, left_s, by_head=self._by_head)
        except TimeoutError:
            raise ProbeEnded(ProbeFault.NO_ANSWER) from None
        finally:
            self._left_s -= time.monotonic() - started


def _sighting(url: WebUrl, answer: Answer) -> Sighting:
    return Sighting(
        status=answer.status,
        content_type=answer.content_type,
        has_bytes=answer.brings_bytes,
        link_expired=says_expired(
            str(url), answer.status, answer.body, datetime.now(UTC)
        ),
    )
