"""The guard: looks a host up once, and lets only checked addresses through.

Whoever connects, connects to an address that this gives, never to a name: between the
check and the connection nobody asks a name server again (DNS rebinding).
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Protocol, runtime_checkable

from mentora_pipelines.adapters.http_probe.addresses import (
    AddressRule,
    IpAddress,
    is_public,
    is_public_or_private,
)
from mentora_pipelines.adapters.http_probe.web_urls import (
    UrlRefused,
    WebUrl,
    parsed_address,
)

WEB_PORTS = frozenset((80, 443))


@runtime_checkable
class Resolver(Protocol):
    """Looks names up."""

    async def addresses(self, host: str) -> Sequence[str]:
        """Every address of `host`, the preferred first; raises `socket.gaierror`."""
        ...


def look_up(host: str) -> list[str]:
    """Every address of `host`, as the machine finds them; raises `socket.gaierror`."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from None
    return [str(entry[4][0]) for entry in found]


class SystemResolver:
    """Satisfies `Resolver`: the machine's own, in threads of its own.

    `executor` has a thread for each look-up at a time: one that is given up ends with
    its thread, so that names whose server is away take no thread of the others'.
    """

    def __init__(
        self, executor: Executor, find: Callable[[str], list[str]] = look_up
    ) -> None:
        self._executor = executor
        self._find = find

    async def addresses(self, host: str) -> Sequence[str]:
        """Every address of `host`; raises `socket.gaierror`."""
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(self._executor, self._find, host)
        try:
            found = await asyncio.shield(looking)
        except asyncio.CancelledError:
            # The machine cannot be told to stop; it gives up within seconds.
            await asyncio.wait([looking])
            raise
        return list(dict.fromkeys(found))


class Guard:
    """Decides which addresses are asked.

    `trusted` names hosts of a private network with their ports, as an operator lists
    them. `admits` and `ports` are the rules for all others.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        trusted: Mapping[str, frozenset[int]] | None = None,
        admits: AddressRule = is_public,
        ports: frozenset[int] = WEB_PORTS,
    ) -> None:
        self._resolver = resolver
        self._trusted = trusted or {}
        self._admits = admits
        self._ports = ports

    async def addresses_of(self, url: WebUrl) -> list[IpAddress]:
        """Addresses to connect to, each of them checked.

        Raises `UrlRefused` when any address of the host is one that is not asked, and
        `socket.gaierror` when the name has none.
        """
        ports = self._trusted.get(url.host)
        if url.port not in (self._ports if ports is None else ports):
            raise UrlRefused("not a port of the web")
        if url.literal is not None:
            found = [url.literal]
        else:
            if ports is None and "." not in url.host:
                raise UrlRefused("a name of the local network")
            names = await self._resolver.addresses(url.host)
            found = [address for name in names if (address := parsed_address(name))]
            if len(found) < len(names):
                raise UrlRefused("an address of another kind")
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        admits = self._admits if ports is None else is_public_or_private
        if not all(map(admits, found)):
            raise UrlRefused("an address outside the public internet")
        return found
