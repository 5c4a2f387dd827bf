"""No link leads our servers to where a stranger may not look."""

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from uuid import uuid4

import pytest

from mentora_pipelines.adapters.http_probe.addresses import (
    is_public,
    is_public_or_private,
)
from mentora_pipelines.adapters.http_probe.guard import Guard, SystemResolver
from mentora_pipelines.adapters.http_probe.lessons import NoLinkRenewer, WebLessonProber
from mentora_pipelines.adapters.http_probe.prober import HttpProber, ProbeLimits
from mentora_pipelines.adapters.http_probe.web_urls import UrlRefused, parse_web_url
from mentora_pipelines.domain.operations.content_health import (
    LessonAddress,
    ProbeFault,
    Sighting,
)
from tests.fakes import FakeStorage
from tests.web import (
    FRONT,
    INSIDE,
    NEXT_DOOR,
    TRUST,
    FixedResolver,
    Web,
    prober_for,
    serving,
    status,
)

SPELLINGS = (
    # Loopback as an address, and as what other readers take for one.
    "http://127.0.0.1:{port}/v.mp4",
    "http://127.1:{port}/v.mp4",
    "http://2130706433:{port}/v.mp4",
    "http://0x7f000001:{port}/v.mp4",
    "http://0x7f.0.0.1:{port}/v.mp4",
    "http://0177.0.0.1:{port}/v.mp4",
    "http://017700000001:{port}/v.mp4",
    "http://127.0.0.1.:{port}/v.mp4",
    "http://127.000.000.001:{port}/v.mp4",
    "http://0.0.0.0:{port}/v.mp4",
    "http://0:{port}/v.mp4",
    "http://127.0.0.1%2f@cdn.example:{port}/v.mp4",
    "http://①②⑦.⓪.⓪.①:{port}/v.mp4",
    "http://\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff11:{port}/v.mp4",
    "http://\u0660x7f.1:{port}/v.mp4",
    # IPv6, and IPv4 inside of it.
    "http://[::1]:{port}/v.mp4",
    "http://[::]:{port}/v.mp4",
    "http://[::ffff:127.0.0.1]:{port}/v.mp4",
    "http://[::ffff:7f00:1]:{port}/v.mp4",
    "http://[::127.0.0.1]:{port}/v.mp4",
    "http://[64:ff9b::7f00:1]:{port}/v.mp4",
    "http://[2002:7f00:1::]:{port}/v.mp4",
    "http://[2001:0:7f00:1::1]:{port}/v.mp4",
    "http://[fe80::1%25lo]:{port}/v.mp4",
    "http://[fd00:ec2::254]:{port}/v.mp4",
    # Metadata of clouds, private and shared networks.
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://100.100.100.200/latest/",
    "http://10.0.0.1/v.mp4",
    "http://192.168.1.1/v.mp4",
    "http://172.16.0.1/v.mp4",
    "http://100.64.0.1/v.mp4",
    "http://224.0.0.1/v.mp4",
    "http://255.255.255.255/v.mp4",
    # Names, and what stands beside them.
    "http://localhost:{port}/v.mp4",
    "http://inside.example:{port}/v.mp4",
    "http://mixed.example:{port}/v.mp4",
    "http://mapped.example:{port}/v.mp4",
    "http://scoped.example:{port}/v.mp4",
    "http://cdn.example.:{port}/v.mp4",
    "http://cdn.example@127.0.0.1:{port}/v.mp4",
    "http://127.0.0.1:{port}@cdn.example/v.mp4",
    "http://cdn.example:{port}\\@127.0.0.1/v.mp4",
    "http://127.0.0.1\\@cdn.example:{port}/v.mp4",
    "http://cdn.example\t@127.0.0.1:{port}/",
    "http://127.0.0.1#@cdn.example:{port}/",
    # Other doors.
    "http://cdn.example:22/v.mp4",
    "http://cdn.example:0/v.mp4",
    "http://cdn.example:65616/v.mp4",
    "ftp://cdn.example/v.mp4",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "//127.0.0.1:{port}/v.mp4",
    "http:/127.0.0.1:{port}/v.mp4",
    "http:///127.0.0.1:{port}/v.mp4",
    "javascript:alert(1)",
)

NAMES = {
    "localhost": [INSIDE],
    "inside_example": [INSIDE],
    "mixed_example": [f"{FRONT} {INSIDE}"],
    "mapped_example": ["::ffff:127.0.0.1"],
    "scoped_example": ["fe80::1%lo"],
}


@pytest.fixture(scope="module")
def canary() -> Iterator[Web]:
    """A service of ours, which plays to whoever connects."""
    web = Web(INSIDE)
    with serving(web):
        yield web


@pytest.fixture(scope="module")
def front() -> Iterator[Web]:
    """A server that the guard takes for one of the internet."""
    web = Web(FRONT)
    with serving(web):
        yield web


def lesson(address: str) -> LessonAddress:
    """A lesson at an address."""
    return LessonAddress(uuid4(), uuid4(), address, "uploads/none", None)


def see(prober: WebLessonProber, address: str) -> Sighting:
    """Probe one address."""
    (seen,) = prober.probe([lesson(address)])
    prober.close()
    return seen


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_an_inner_address_is_asked(spelling: str, canary: Web) -> None:
    """Else a creator reads our metadata service, or maps our network."""
    before = canary.connections
    prober = prober_for(canary, resolver=FixedResolver(**NAMES))
    seen = see(prober, spelling.format(port=canary.port))
    assert seen.fault is ProbeFault.REFUSED
    assert canary.connections == before


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_redirect_leads_to_an_inner_address(
    spelling: str, canary: Web, front: Web
) -> None:
    """Else the guard is passed by a link that is good at first sight."""
    before = canary.connections
    target = spelling.format(port=canary.port).encode("utf-8").decode("latin-1")
    front.answers["/go"] = status("307 Moved", f"Location: {target}")
    prober = prober_for(canary, front, resolver=FixedResolver(**NAMES))
    seen = see(prober, front.url("/go"))
    if spelling.startswith(("http:/1", "http:///")):
        # Without an authority it is a path, on the same host.
        assert seen.status == 206
    else:
        assert seen.fault is ProbeFault.REFUSED
    assert canary.connections == before


def test_an_inner_address_at_the_end_of_several_redirects_is_not_asked(
    canary: Web, front: Web
) -> None:
    """Else only the first hop is guarded."""
    before = canary.connections
    front.answers["/1"] = status("302 Found", "Location: /2")
    front.answers["/2"] = status("302 Found", f"Location: {front.url('/3')}")
    front.answers["/3"] = status("302 Found", f"Location: {canary.url('/v.mp4')}")
    seen = see(prober_for(canary, front), front.url("/1"))
    assert seen.fault is ProbeFault.REFUSED
    assert canary.connections == before


def test_the_address_that_was_checked_is_the_one_that_is_asked(front: Web) -> None:
    """Else a name server answers the guard well and the connection badly."""
    with serving(canary := Web(NEXT_DOOR, port=front.port)):
        # Each look-up but the first leads inside.
        resolver = FixedResolver(rebind_example=[FRONT, NEXT_DOOR])
        prober = prober_for(front, resolver=resolver)
        seen = see(prober, front.url("/v.mp4", "rebind.example"))
        assert seen.status == 206
        assert resolver.asked["rebind.example"] == 1
        assert canary.connections == 0


def test_a_second_connection_is_checked_again(front: Web) -> None:
    """Else a server that drops the first connection opens the way inside."""
    front.answers["HEAD /drop.mp4"] = status("500 Oops", "Connection: close")
    with serving(canary := Web(NEXT_DOOR, port=front.port)):
        resolver = FixedResolver(rebind_example=[FRONT, NEXT_DOOR])
        seen = see(
            prober_for(front, resolver=resolver),
            front.url("/drop.mp4", "rebind.example"),
        )
        assert seen.fault is ProbeFault.REFUSED
        assert resolver.asked["rebind.example"] == 2
        assert canary.connections == 0


def test_the_guard_of_production_lets_nothing_through_to_this_machine(
    canary: Web, front: Web
) -> None:
    """Else a switch for tests is open in production."""
    guard = Guard(FixedResolver(any=[INSIDE]))
    prober = WebLessonProber(
        HttpProber(guard, ProbeLimits(), TRUST), FakeStorage(), NoLinkRenewer()
    )
    for web in (canary, front):
        before = web.connections
        for address in (web.url("/v.mp4"), "http://cdn.example/", f"http://{INSIDE}/"):
            (seen,) = prober.probe([lesson(address)])
            assert seen.fault is ProbeFault.REFUSED
        assert web.connections == before
    prober.close()


def test_a_look_up_that_is_given_up_keeps_no_thread() -> None:
    """Else names whose server is away leave none for the lessons of others."""
    ended: list[str] = []

    def find(host: str) -> list[str]:
        time.sleep(0.3)
        ended.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "the name server is away")

    async def give_up(resolver: SystemResolver) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await resolver.addresses("dead.example")
        assert ended == ["dead.example"]

    with ThreadPoolExecutor(1) as threads:
        asyncio.run(give_up(SystemResolver(threads, find)))


def test_a_trusted_host_may_be_private_and_nothing_worse() -> None:
    """Else a private CDN cannot be used, or its name opens the machine itself."""
    for text in ("10.1.2.3", "192.168.0.9", "fd12::1", "100.64.3.4", "8.8.8.8"):
        assert is_public_or_private(ip_address(text)), text
    for text in (
        "127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.1", "224.0.0.1",
        "fd00:ec2::254", "100.100.100.200", "::ffff:10.0.0.1", "fd20:ce::254",
        "fd00:c1::a9fe:a9fe", "fd00:42::42",
    ):  # fmt: skip
        assert not is_public_or_private(ip_address(text)), text


def test_public_addresses_are_public() -> None:
    """Else lessons that play are never looked at."""
    for text in (
        "8.8.8.8", "1.1.1.1", "99.86.0.1", "2606:4700::1111", "2a00:1450:4001::1",
        "64:ff9b::808:808",
    ):  # fmt: skip
        assert is_public(ip_address(text)), text


@pytest.mark.parametrize(
    ("text", "host", "target"),
    [
        ("HTTPS://CDN.Example/a b.mp4", "cdn.example", "/a%20b.mp4"),
        ("https://cdn.example", "cdn.example", "/"),
        ("https://cdn.example?x=1#t=4", "cdn.example", "/?x=1"),
        ("https://bücher.example/ü.mp4", "xn--bcher-kva.example", "/%C3%BC.mp4"),
        (" https://a_b.example/%20?s=%2F ", "a_b.example", "/%20?s=%2F"),
        ("https://[2606:4700::1111]/v", "2606:4700::1111", "/v"),
    ],
)
def test_an_address_as_browsers_take_it_is_read_as_they_do(
    text: str, host: str, target: str
) -> None:
    """Else lessons that play are said to be broken."""
    url = parse_web_url(text)
    assert (url.host, url.target) == (host, target)
    assert parse_web_url(str(url)) == url


def test_an_address_of_any_length_is_refused_at_once() -> None:
    """Else one row holds a look up."""
    with pytest.raises(UrlRefused):
        parse_web_url("https://cdn.example/" + "a" * 100_000)
