"""IP addresses that a stranger's link may lead us to.

Here belongs the rule about an address. Not here: names, or how one is looked up.
"""

from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

IpAddress: TypeAlias = IPv4Address | IPv6Address
AddressRule: TypeAlias = Callable[[IpAddress], bool]

NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
        "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4",
        # Azure's platform answers every machine of a customer here.
        "168.63.129.16/32",
    )
)  # fmt: skip
"""IANA's special-purpose registry for IPv4 (RFC 6890 and later), multicast, class E."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given out of IPv6; loopback, mapped, compatible, link-local,
site-local, unique local and multicast addresses lie outside."""

NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        # Protocol assignments: Teredo and ORCHID, whose addresses stand for others.
        "2001::/23",
        "2001:db8::/32",
        # 6to4 carries an IPv4 address; nobody serves videos over it (RFC 7526).
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)

NAT64 = IPv6Network("64:ff9b::/96")
"""How a network without IPv4 reaches IPv4 addresses, which are its last 32 bits."""

ISATAP = (0x00005EFE, 0x02005EFE)
"""Bits 64 to 96 of an address whose last 32 are an IPv4 address (RFC 5214)."""

_PRIVATE_NETWORKS = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
    )
)  # fmt: skip
_METADATA = frozenset(
    ip_address(address)
    for address in (
        # Alibaba, Amazon, Google, Oracle, Scaleway; others have a link-local one.
        "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
    )
)  # fmt: skip
"""Inside private networks a cloud's metadata service is still no video server."""


def is_public(address: IpAddress) -> bool:
    """Whether an address is one of the public internet's."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    embedded = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in NAT64:
        return is_public(embedded)
    if address not in GLOBAL_UNICAST or address.scope_id is not None:
        return False
    if any(address in network for network in NOT_PUBLIC_V6):
        return False
    is_isatap = (int(address) >> 32) & 0xFFFFFFFF in ISATAP
    return not is_isatap or is_public(embedded)


def is_public_or_private(address: IpAddress) -> bool:
    """The rule for a host that an operator has named: also a private network's.

    Still no loopback, link-local or metadata address.
    """
    if is_public(address):
        return True
    return address not in _METADATA and any(
        address.version == network.version and address in network
        for network in _PRIVATE_NETWORKS
    )
