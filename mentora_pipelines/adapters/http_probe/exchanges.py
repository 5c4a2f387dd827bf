"""One HTTP/1.1 request and the beginning of its answer.

Here belongs the protocol, which h11 parses. Not here: what an answer means.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import h11

from mentora_pipelines.adapters.http_probe.connections import Connection, ProbeEnded
from mentora_pipelines.adapters.http_probe.web_urls import WebUrl
from mentora_pipelines.domain.operations.content_health import (
    ProbeFault,
    is_media_type,
)

MAX_HEADER_BYTES = 16 << 10
MAX_REFUSAL_BYTES = 4 << 10
"""Of a refusal, in which stores say whether a link has expired."""

STATUSES = range(100, 600)
"""Those of HTTP (RFC 9110, 15), and all that the history of probes can hold."""

USER_AGENT = "Mentora-Content-Health/1 (+lesson availability check)"

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer and the first bytes of its body.

    `content_type` is in lower case without parameters, empty when it is no type.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str

    @property
    def location(self) -> str:
        """Where it redirects to; its raw bytes are UTF-8, or are sent as they came."""
        raw = self.headers.get("location", "").encode("latin-1")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return quote(raw, safe=bytes(range(128)))

    @property
    def brings_bytes(self) -> bool:
        """Whether it has a body, or is a medium that does not say it is empty.

        Nobody waits for the first byte of a slow server's video.
        """
        return bool(self.body) or (
            is_media_type(self.content_type)
            and self.headers.get("content-length") != "0"
        )


class Exchanges:
    """The requests over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_cut = False
        self._protocol = h11.Connection(
            h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES
        )

    async def ask(self, url: WebUrl, method: str, *, ranged: bool = False) -> Answer:
        """The answer; raises `ProbeEnded` when there is none, or none of HTTP."""
        headers = [
            ("Host", url.authority),
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
        ]
        if ranged:
            headers.append(("Range", "bytes=0-1"))
        try:
            request = h11.Request(method=method, target=url.target, headers=headers)
            sent = self._protocol.send(request) or b""
            sent += self._protocol.send(h11.EndOfMessage()) or b""
            await self._connection.write(sent)
            return await self._answer(method)
        except (h11.RemoteProtocolError, h11.LocalProtocolError):
            fault = ProbeFault.CUT if self._is_cut else ProbeFault.MALFORMED
            raise ProbeEnded(fault) from None

    def can_go_on(self) -> bool:
        """Whether another request may follow on this connection."""
        if self._protocol.their_state is not h11.DONE:
            return False
        try:
            self._protocol.start_next_cycle()
        except h11.LocalProtocolError:
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.abort()

    async def _answer(self, method: str) -> Answer:
        while not isinstance(event := await self._next(), h11.Response):
            if not isinstance(event, h11.InformationalResponse):
                raise ProbeEnded(ProbeFault.CUT)
        if event.status_code not in STATUSES:
            # As 999, by which some hosts turn robots away: it means what it likes.
            raise ProbeEnded(ProbeFault.MALFORMED)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in event.headers
        }
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        head = Answer(
            event.status_code, headers, b"", kind if _TYPE.fullmatch(kind) else ""
        )
        if method == "HEAD":
            # Its end follows at once, and with it the next request may.
            await self._next()
            return head
        return replace(head, body=await self._body(head))

    async def _body(self, head: Answer) -> bytes:
        """No more of the body than decides."""
        is_success = 200 <= head.status < 300
        if is_success and head.brings_bytes:
            return b""
        wanted = 1 if is_success else MAX_REFUSAL_BYTES
        body = b""
        while len(body) < wanted:
            event = await self._next()
            if isinstance(event, h11.EndOfMessage):
                break
            if not isinstance(event, h11.Data):
                raise ProbeEnded(ProbeFault.CUT)
            body += bytes(event.data)
        return body

    async def _next(self) -> object:
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            received = await self._connection.read()
            self._is_cut = not received
            self._protocol.receive_data(received)
        return event
