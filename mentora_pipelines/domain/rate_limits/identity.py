"""Who is limited: somebody we know, else the network address that a call came from.

Here belongs the choice of the address among those a request names. Not here: HTTP
(the addresses are given), or authentication (an id is given only when it is proved).
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

from mentora_pipelines.errors import InvalidInput

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

IPV6_PREFIX = 64
"""One subscriber holds at least a /64: whole addresses would be a new identity each."""

MAX_VALUE_BYTES = 128
"""Longer ids are named by their hash, so that no caller chooses the size of a key."""

MAX_HOPS = 32
"""Addresses of `X-Forwarded-For` that are looked at, from the right."""

UNIX_SOCKET = "unix"
"""Names, among the trusted proxies, the one that connects through a Unix socket."""

_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")

_HASHED = "sha256:"

_BRACKETED = re.compile(r"\[([^\[\]]*)\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"([^:]*):\d{1,5}")


class Kind(StrEnum):
    """What an identity is; the same words of two kinds are two identities."""

    USER = "user"
    CREATOR = "creator"
    ADDRESS = "address"
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose calls count together. Raises `InvalidInput` for an empty value."""

    kind: Kind
    value: str

    def __post_init__(self) -> None:
        if not self.value:
            raise InvalidInput(f"the {self.kind} that is limited has an empty id")

    @property
    def id(self) -> str:
        """What names it among the keys of a store: printable, at most 140 bytes."""
        value = self.value.encode("utf-8", "surrogatepass")
        if (
            len(value) > MAX_VALUE_BYTES
            or not self.value.isprintable()
            # Else somebody could be called as another's hash.
            or self.value.startswith(_HASHED)
        ):
            return f"{self.kind}:{_HASHED}{hashlib.sha256(value).hexdigest()}"
        return f"{self.kind}:{self.value}"


def user(user_id: object) -> Identity:
    """Somebody who proved who they are; never what a client says of itself."""
    return Identity(Kind.USER, str(user_id))


def creator(creator_id: object) -> Identity:
    """All that is done in the name of one creator."""
    return Identity(Kind.CREATOR, str(creator_id))


EVERYONE = Identity(Kind.EVERYONE, "all")
"""All calls together: a limit that protects us, not one caller from another."""


def address_of(address: Address) -> Identity:
    """An IPv4 address whole, an IPv6 address by its /64."""
    if isinstance(address, IPv4Address):
        return Identity(Kind.ADDRESS, str(address))
    network = IPv6Network((address, IPV6_PREFIX), strict=False)
    return Identity(Kind.ADDRESS, str(network))


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies of ours that write `X-Forwarded-For`; none by default."""

    networks: tuple[Network, ...] = ()
    unix_socket: bool = False

    @classmethod
    def parse(cls, names: Iterable[str]) -> "TrustedProxies":
        """From networks or addresses (`10.0.0.0/8`, `::1`), and `unix`.

        Raises `InvalidInput` for anything else, and for a network of all addresses:
        whoever is trusted chooses the identity it is limited as.
        """
        chosen = list(names)
        return cls(
            networks=tuple(_network(name) for name in chosen if name != UNIX_SOCKET),
            unix_socket=UNIX_SOCKET in chosen,
        )

    def trust(self, address: Address) -> bool:
        """Whether the address is a proxy of ours."""
        return any(address in network for network in self.networks)


def parse_address(text: str) -> Address | None:
    """An address with or without brackets, port or zone; None for anything else.

    An IPv4 address in IPv6 clothing (`::ffff:192.0.2.1`) is the IPv4 address.
    """
    bare = text.strip()
    for form in (_BRACKETED, _WITH_PORT):
        if found := form.fullmatch(bare):
            bare = found[1]
            break
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def caller_address(
    peer: str | None, forwarded_for: Sequence[str], trusted: TrustedProxies
) -> Address | None:
    """The address that a call came from, as far as it can be known.

    `peer` is the other end of the connection; one without an address is a Unix socket.
    `forwarded_for` holds the values of every `X-Forwarded-For` header, in order. The
    header counts only when the peer is a proxy of ours: then the caller is the
    right-most address that is none of our proxies, because what stands left of it was
    written by the caller. Where that place holds no address, the caller is the proxy
    that wrote it, and where all are our proxies, the first.

    None only for a Unix socket that is not trusted or whose header leads nowhere.
    """
    nearest = None if peer is None else parse_address(peer)
    if not (trusted.unix_socket if nearest is None else trusted.trust(nearest)):
        return nearest
    for name in _from_the_right(forwarded_for):
        address = parse_address(name)
        if address is None:
            break
        nearest = address
        if not trusted.trust(address):
            break
    return nearest


def _from_the_right(forwarded_for: Sequence[str]) -> list[str]:
    """The nearest addresses, without splitting all that a client may have sent."""
    names: list[str] = []
    for value in reversed(forwarded_for):
        names += reversed(value.rsplit(",", MAX_HOPS)[-MAX_HOPS:])
        if len(names) >= MAX_HOPS:
            break
    return names[:MAX_HOPS]


def _network(name: str) -> Network:
    try:
        network = ip_network(name.strip())
    except ValueError:
        raise InvalidInput(
            f"not a network or an address of a proxy: {name!r}"
        ) from None
    if isinstance(network, IPv6Network) and network.subnet_of(_IPV4_MAPPED):
        mapped = network.network_address.ipv4_mapped
        network = IPv4Network((int(mapped or 0), network.prefixlen - 96))
    if network.prefixlen == 0:
        raise InvalidInput(f"{name!r} would trust every caller to name itself")
    return network
