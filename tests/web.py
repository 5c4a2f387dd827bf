"""Web servers of video hosts, good, broken and hostile, on this machine."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TypeAlias

from mentora_pipelines.adapters.http_probe.addresses import IpAddress, is_public
from mentora_pipelines.adapters.http_probe.guard import Guard
from mentora_pipelines.adapters.http_probe.lessons import NoLinkRenewer, WebLessonProber
from mentora_pipelines.adapters.http_probe.prober import HttpProber, ProbeLimits
from mentora_pipelines.domain.operations.content_health import LinkRenewer
from tests.fakes import FakeStorage

FRONT = "127.0.0.2"
"""Where the servers of the tests stand in for the public internet."""

INSIDE = "127.0.0.1"
"""Where nothing may be asked."""

NEXT_DOOR = "127.0.0.3"
"""Nor there, where every port is free: the servers of the test run are all INSIDE."""

TRUST = ssl.create_default_context()
"""Made once: reading the authorities takes longer than a probe."""

PART = (
    b"HTTP/1.1 206 Partial Content\r\nContent-Type: video/mp4\r\n"
    b"Content-Range: bytes 0-1/99\r\nContent-Length: 2\r\n\r\nab"
)
HEAD_OF_VIDEO = (
    b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 99\r\n\r\n"
)

Writer: TypeAlias = asyncio.StreamWriter
Answer: TypeAlias = bytes | Callable[[Writer], Awaitable[None]]


def status(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A whole answer."""
    head = "\r\n".join((f"HTTP/1.1 {line}", *headers, f"Content-Length: {len(body)}"))
    return head.encode("latin-1") + b"\r\n\r\n" + body


@dataclass
class Web:
    """A server: `answers` by path, or by method and path; it counts what it sees."""

    address: str
    tls: ssl.SSLContext | None = None
    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    port: int = 0
    connections: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    hosts: set[str] = field(default_factory=set)
    at_once: int = 0
    most_at_once: int = 0
    delay_s: float = 0.0
    greeting: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Answer on one connection until it is closed."""
        self.connections += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            writer.write(self.greeting)
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.at_once -= 1
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: Writer) -> bool:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        self.hosts |= {line[6:] for line in lines if line.startswith("Host: ")}
        path = target.split("?")[0]
        self.asked[f"{method} {path}"] += 1
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        found = self.answers.get(f"{method} {path}", self.answers.get(path))
        if found is None:
            found = HEAD_OF_VIDEO if method == "HEAD" else PART
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            await found(writer)
            return False
        if method == "HEAD":
            found = found.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        writer.write(found)
        await writer.drain()
        return True

    def url(self, path: str, host: str | None = None) -> str:
        """Its address of a path."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{host or self.address}:{self.port}{path}"


async def hang(writer: Writer) -> None:
    """Say nothing."""
    assert writer
    await asyncio.sleep(60)


async def drip(writer: Writer) -> None:
    """A header, a letter at a time, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def cut(writer: Writer) -> None:
    """Close without a word."""
    writer.transport.abort()


@contextmanager
def serving(*webs: Web) -> Iterator[None]:
    """Run servers in a thread of their own, on free ports."""
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def run() -> None:
        servers = [
            await asyncio.start_server(web.serve, web.address, web.port, ssl=web.tls)
            for web in webs
        ]
        for web, server in zip(webs, servers, strict=True):
            web.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        for server in servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(60)
        yield
    finally:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


class FixedResolver:
    """Satisfies `Resolver`: answers in turn, the last one again and again."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = {
            host.replace("_", "."): list(found) for host, found in answers.items()
        }
        self.asked: Counter[str] = Counter()

    async def addresses(self, host: str) -> Sequence[str]:
        """The next answer: addresses with spaces between, by name or for any."""
        self.asked[host] += 1
        answers = self.answers.get(host) or self.answers.get("any") or [FRONT]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return found.split()


def admits_front(address: IpAddress) -> bool:
    """The rule of production, and the tests' own servers."""
    return address == ip_address(FRONT) or is_public(address)


def prober_for(
    *webs: Web,
    resolver: FixedResolver | None = None,
    limits: ProbeLimits | None = None,
    tls: ssl.SSLContext | None = None,
    storage: FakeStorage | None = None,
    renewer: LinkRenewer | None = None,
    controls: Sequence[str] = (),
) -> WebLessonProber:
    """A prober to whom `FRONT` is public and the ports of `webs` are the web's."""
    guard = Guard(
        resolver or FixedResolver(),
        admits=admits_front,
        ports=frozenset((80, 443, *(web.port for web in webs))),
    )
    return WebLessonProber(
        HttpProber(guard, limits or ProbeLimits(), tls or TRUST),
        storage or FakeStorage(),
        renewer or NoLinkRenewer(),
        controls,
    )
