"""Sentry's end of the wire: a real server in this process, which keeps envelopes."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class EnvelopeSink:
    """Keeps what it is sent; may refuse with a status, or never answer."""

    status: int = 200
    hangs: threading.Event | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    requests: int = 0
    port: int = 0

    @property
    def dsn(self) -> str:
        """What SENTRY_DSN is set to."""
        return f"http://0123456789abcdef@127.0.0.1:{self.port}/1"

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of one type of item: `event`, `transaction`, `check_in`."""
        return [item for item in self.items if item["item_type"] == kind]

    @property
    def text(self) -> str:
        """All that has come, as it came."""
        return "\n".join(self.raw)

    def take(self, body: bytes) -> None:
        """Keep an envelope: a header, then a header and a payload for each item."""
        self.raw.append(body.decode())
        lines = body.decode().splitlines()[1:]
        for header, payload in zip(lines[::2], lines[1::2], strict=False):
            self.items.append(
                {**json.loads(payload), "item_type": json.loads(header)["type"]}
            )

    def forget(self) -> None:
        """Begin anew."""
        self.items.clear()
        self.raw.clear()
        self.requests = 0


class _Handler(BaseHTTPRequestHandler):
    sink: EnvelopeSink

    def do_POST(self) -> None:
        """Take an envelope."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.sink.requests += 1
        if self.sink.hangs is not None:
            self.sink.hangs.wait()
        self.sink.take(body)
        with suppress(OSError):
            self.send_response(self.sink.status)
            if self.sink.status == 429:
                self.send_header("Retry-After", "60")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def running_sink() -> Iterator[EnvelopeSink]:
    """A server that takes envelopes, for as long as the body lasts."""
    sink = EnvelopeSink()
    handler = type("Handler", (_Handler,), {"sink": sink})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        sink.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield sink
        if sink.hangs is not None:
            sink.hangs.set()
        server.shutdown()


@pytest.fixture
def sentry() -> Iterator[EnvelopeSink]:
    """A server that takes envelopes."""
    with running_sink() as sink:
        yield sink
