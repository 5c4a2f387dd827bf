"""One connection to one checked address, which reads no more than it may.

Here belong sockets and TLS. Not here: HTTP, or which address it is.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv6Address

from mentora_pipelines.adapters.http_probe.addresses import IpAddress
from mentora_pipelines.adapters.http_probe.web_urls import WebUrl
from mentora_pipelines.domain.operations.content_health import ProbeFault

READ_BYTES = 2048
RECEIVE_BUFFER_BYTES = 16 << 10
"""What a server that sends a whole video can have under way before it must wait."""

MAX_ADDRESSES = 3
"""Addresses of a host that are tried, one after another."""

_OURS = frozenset(
    (
        errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL,
        errno.EACCES, errno.EPERM,
    )
)  # fmt: skip


class ProbeEnded(Exception):
    """A probe ends here, with this fault."""

    def __init__(self, fault: ProbeFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Connection:
    """An open connection; `read` raises `ProbeEnded` once it has read `max_bytes`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        max_bytes: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._left = max_bytes

    async def read(self) -> bytes:
        """Some bytes, none at the end."""
        if self._left <= 0:
            raise ProbeEnded(ProbeFault.MALFORMED)
        with _translated():
            got = await self._reader.read(min(READ_BYTES, self._left))
        self._left -= len(got)
        return got

    async def write(self, content: bytes) -> None:
        """Send it."""
        with _translated():
            self._writer.write(content)
            await self._writer.drain()

    def abort(self) -> None:
        """Close at once, whatever is still under way."""
        self._writer.transport.abort()


async def connect(
    url: WebUrl,
    addresses: Sequence[IpAddress],
    *,
    tls: ssl.SSLContext,
    timeout_s: float,
    max_bytes: int,
) -> Connection:
    """A connection to the first of `addresses` that takes one.

    The certificate is checked against the name in `url`. Raises `ProbeEnded`.
    """
    ended = ProbeEnded(ProbeFault.NO_CONNECTION)
    for address in addresses[:MAX_ADDRESSES]:
        try:
            async with asyncio.timeout(timeout_s):
                return await _connect(url, address, tls, max_bytes)
        except TimeoutError:
            ended = ProbeEnded(ProbeFault.NO_ANSWER)
        except ProbeEnded as error:
            ended = error
    raise ended


async def _connect(
    url: WebUrl, address: IpAddress, tls: ssl.SSLContext, max_bytes: int
) -> Connection:
    is_v6 = isinstance(address, IPv6Address)
    with _translated():
        own = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET)
    try:
        with _translated():
            own.setblocking(False)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            # Numbers only: no name is looked up from here on.
            loop = asyncio.get_running_loop()
            await loop.sock_connect(own, (str(address), url.port))
            encrypted = url.scheme == "https"
            reader, writer = await asyncio.open_connection(
                sock=own,
                limit=READ_BYTES,
                ssl=tls if encrypted else None,
                server_hostname=url.host if encrypted else None,
            )
    except BaseException:
        own.close()
        raise
    return Connection(reader, writer, max_bytes)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise ProbeEnded(ProbeFault.UNTRUSTED) from None
    except ssl.SSLError:
        raise ProbeEnded(ProbeFault.BROKEN_TLS) from None
    except TimeoutError:
        # The kernel's own, ETIMEDOUT; ours cancels instead.
        raise ProbeEnded(ProbeFault.NO_ANSWER) from None
    except (ConnectionResetError, BrokenPipeError, ConnectionAbortedError):
        raise ProbeEnded(ProbeFault.CUT) from None
    except OSError as error:
        is_ours = error.errno in _OURS
        fault = ProbeFault.OURS if is_ours else ProbeFault.NO_CONNECTION
        raise ProbeEnded(fault) from None
