from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentora_pipelines.domain.rate_limits.identity import (
    Identity,
    Kind,
    TrustedProxies,
    address_of,
    caller_address,
    creator,
    parse_address,
    user,
)
from mentora_pipelines.errors import InvalidInput
from tests.domain.test_storage import unhurried

OURS = TrustedProxies.parse(
    ["10.0.0.0/8", "2001:db8:aaaa::/48", "::ffff:172.16.0.0/108"]
)
NONE = TrustedProxies()
SOCKET = TrustedProxies.parse(["unix"])


def caller(peer: str | None, *forwarded: str, trusted: TrustedProxies = OURS) -> str:
    """The caller's address as text."""
    return str(caller_address(peer, forwarded, trusted))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:4711 ", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::FFFF:c000:201]:80", "192.0.2.1"),
    ],
)
def test_an_address_is_read_in_every_form(text: str, address: str) -> None:
    """Else one caller has as many buckets as there are ways to write it."""
    assert parse_address(text) == ip_address(address)


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "2130706433", "010.0.0.1", "1.2.3", "1.2.3.4:", ":80",
     "[::1", "1.2.3.4, 5.6.7.8", "\u0661.2.3.4", "localhost", "1.2.3.4/8", "\x00"],
)  # fmt: skip
def test_what_is_no_address_is_none(text: str) -> None:
    """Else a name that a client chose is a bucket of its own."""
    assert parse_address(text) is None


def test_a_stranger_cannot_choose_its_address() -> None:
    """Else a header is all it takes to have no limit."""
    assert caller("203.0.113.9", "192.0.2.1") == "203.0.113.9"
    assert caller("203.0.113.9", "192.0.2.1", trusted=NONE) == "203.0.113.9"
    # Through a proxy of ours, which appends the true one.
    assert caller("10.0.0.1", "192.0.2.1, 203.0.113.9") == "203.0.113.9"
    assert caller("10.0.0.1", "10.0.0.7, 203.0.113.9, 10.2.0.1") == "203.0.113.9"


def test_the_headers_lines_are_one_list() -> None:
    """Else a proxy that adds a line of its own makes the client's line count."""
    assert caller("10.0.0.1", "192.0.2.1", "203.0.113.9") == "203.0.113.9"
    assert caller("10.0.0.1", "203.0.113.9", "10.0.0.2, 172.16.0.9") == "203.0.113.9"


def test_garbage_is_charged_to_the_proxy_that_wrote_it() -> None:
    """Else garbage is a bucket that everybody shares, or a new one each time."""
    assert caller("10.0.0.1", "203.0.113.9, unknown") == "10.0.0.1"
    assert caller("10.0.0.1", "unknown, 10.0.0.2") == "10.0.0.2"
    assert caller("10.0.0.1", "unknown, 203.0.113.9") == "203.0.113.9"
    assert caller("10.0.0.1", "") == "10.0.0.1"


def test_a_call_from_within_is_the_first_machines() -> None:
    """Else a health check through two proxies counts as somebody's."""
    assert caller("10.0.0.1") == "10.0.0.1"
    assert caller("10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3"


def test_a_unix_socket_has_no_address_but_its_proxy_may_be_trusted() -> None:
    """Else all who come through a socket share one bucket."""
    assert caller_address(None, ["192.0.2.1"], OURS) is None
    assert caller_address("", ["192.0.2.1"], OURS) is None
    assert caller(None, "192.0.2.1, 203.0.113.9", trusted=SOCKET) == "203.0.113.9"
    assert caller_address(None, ["unknown"], SOCKET) is None


@pytest.mark.parametrize(
    "name",
    ["", "proxy", "10.0.0.0/33", "10.0.0.1/8", "0.0.0.0/0", "::/0", "::ffff:0:0/96"],
)
def test_who_cannot_be_trusted_is_refused(name: str) -> None:
    """Else a slip of the pen lets every caller name itself."""
    with pytest.raises(InvalidInput):
        TrustedProxies.parse([name])


def test_an_ipv6_subscriber_is_one_identity() -> None:
    """Else one house has eighteen quintillion of them."""
    one = address_of(ip_address("2001:db8:1:2::1"))
    assert one == address_of(ip_address("2001:db8:1:2:ffff::9"))
    assert one != address_of(ip_address("2001:db8:1:3::1"))
    assert one.id == "address:2001:db8:1:2::/64"
    assert address_of(ip_address("192.0.2.1")).id == "address:192.0.2.1"
    assert address_of(ip_address("192.0.2.1")) != address_of(ip_address("192.0.2.2"))


def test_an_identity_needs_an_id() -> None:
    """Else all who have none share a bucket."""
    with pytest.raises(InvalidInput):
        user("")


text = st.text(st.characters(exclude_categories=[]), min_size=1, max_size=200)


@unhurried
@given(st.sampled_from(Kind), text, st.sampled_from(Kind), text)
def test_two_identities_have_two_short_printable_names(
    kind: Kind, value: str, other_kind: Kind, other_value: str
) -> None:
    """Else one user uses up another's limit, or chooses the size of a key."""
    one, other = Identity(kind, value), Identity(other_kind, other_value)
    assert (one.id == other.id) == (one == other)
    assert len(one.id.encode()) <= 140
    assert one.id.isprintable()


def test_an_id_cannot_pose_as_anothers_hash() -> None:
    """Else a name is enough to use up the limit of somebody with a long one."""
    long = user("x" * 200)
    assert user(long.id.removeprefix("user:")).id != long.id
    assert creator("x" * 200).id != long.id
    assert user("address:192.0.2.1").id != address_of(ip_address("192.0.2.1")).id


@unhurried
@given(
    st.lists(st.text(max_size=30), max_size=4),
    st.sampled_from(["10.0.0.1", "192.0.2.1", None, "x"]),
)
def test_no_header_raises(values: list[str], peer: str | None) -> None:
    """Else a malformed header is an error 500."""
    caller_address(peer, values, OURS)
    caller_address(peer, ["1.2.3.4," * 9000, *values], SOCKET)
