"""What a probe sees of good, odd and broken video hosts, over real sockets."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import trustme

from mentora_pipelines.adapters.http_probe.exchanges import Answer
from mentora_pipelines.adapters.http_probe.hosts import MAX_SILENCES
from mentora_pipelines.adapters.http_probe.lessons import WebLessonProber
from mentora_pipelines.adapters.http_probe.pauses import DEFAULT_PAUSE_S, pause_s
from mentora_pipelines.adapters.http_probe.prober import ProbeLimits
from mentora_pipelines.domain.operations.content_health import (
    HealthOutcome,
    LessonAddress,
    ProbeFault,
    Sighting,
    outcome_of,
)
from tests.fakes import FakeStorage
from tests.fix_mail import tls_of
from tests.ports import free_port
from tests.web import (
    FRONT,
    HEAD_OF_VIDEO,
    FixedResolver,
    Web,
    Writer,
    cut,
    drip,
    hang,
    prober_for,
    serving,
    status,
)

ENOUGH = ProbeLimits(timeout_s=5)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A server to whom each test gives answers of its own."""
    server = Web(FRONT)
    with serving(server):
        yield server


def lesson(address: str | None, key: str = "uploads/none") -> LessonAddress:
    """A lesson at an address."""
    return LessonAddress(uuid4(), uuid4(), address, key, None)


def see(prober: WebLessonProber, *addresses: str) -> list[Sighting]:
    """Probe addresses."""
    seen = prober.probe([lesson(address) for address in addresses])
    prober.close()
    return seen


def raw(text: str) -> str:
    """What a header has of a text in UTF-8."""
    return text.encode().decode("latin-1")


def outcome(web: Web, path: str, limits: ProbeLimits = ENOUGH) -> HealthOutcome:
    """What one lesson of a server is found to be, while our network is up."""
    (seen,) = see(prober_for(web, limits=limits), web.url(path))
    return outcome_of(seen, network_is_up=True)


async def a_gigabyte(writer: Writer) -> None:
    """As much of a gigabyte as somebody reads; the server counts it."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {1 << 30}"
    writer.write(f"{head}\r\n\r\n".encode())
    while not writer.transport.is_closing():
        GIGABYTE.sent += 1 << 14
        writer.write(b"a" * (1 << 14))
        await writer.drain()


@dataclass
class _Sent:
    sent: int = 0


GIGABYTE = _Sent()


def test_a_video_is_well_after_two_requests_over_one_connection(web: Web) -> None:
    """Else every lesson costs its host more than it must."""
    before = web.connections
    assert outcome(web, "/well.mp4") is HealthOutcome.OK
    assert web.asked["HEAD /well.mp4"] == web.asked["GET /well.mp4"] == 1
    assert web.connections == before + 1


@pytest.mark.parametrize(
    "refusal",
    [
        status("405 Method Not Allowed", "Allow: GET"),
        status("501 Not Implemented"),
        status("403 Forbidden"),
        status("404 Not Found"),
        status("500 Oops"),
        hang,
        cut,
        b"\x16\x03 what?\r\n\r\n",
    ],
    ids=["405", "501", "403", "404", "500", "hang", "cut", "garbage"],
)
def test_a_server_that_refuses_head_and_plays_is_well(refusal: bytes, web: Web) -> None:
    """Else creators are alarmed over lessons that their students watch."""
    web.answers["HEAD /refused.mp4"] = refusal
    limits = ProbeLimits(timeout_s=3)
    assert outcome(web, "/refused.mp4", limits) is HealthOutcome.OK


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (status("200 OK", "Content-Type: text/html", body=b"<video>"), "ok"),
        (status("200 OK", body=b"a"), "ok"),
        (HEAD_OF_VIDEO, "ok"),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nab", "ok"),
        (status("200 OK", "Content-Type: video/mp4"), "gone"),
        (status("204 No Content"), "gone"),
        (status("404 Not Found"), "gone"),
        (status("410 Gone"), "gone"),
        (status("401 Unauthorized"), "forbidden"),
        (status("403 Forbidden"), "forbidden"),
        (status("451 Unavailable For Legal Reasons"), "forbidden"),
        (status("500 Oops"), "timeout"),
        (status("503 Busy"), "timeout"),
        (status("302 Found"), "gone"),
        (status("302 Found", "Location: /v", "Location: /w"), "ok"),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", "timeout"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", "timeout"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "timeout"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "timeout"),
        (b"HTTP/1.1 999999 OK\r\n\r\n", "timeout"),
        (status("503 Maintenance", "Retry-After: 3600"), "timeout"),
    ],
)
def test_what_an_answer_means(answer: bytes, found: str, web: Web) -> None:
    """Else a broken lesson is not noticed, or a good one is called broken."""

    async def only_this(writer: Writer) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    web.answers["/answer.mp4"] = only_this
    assert outcome(web, "/answer.mp4") == found


def test_a_server_that_knows_no_ranges_is_well_and_an_empty_file_is_gone(
    web: Web,
) -> None:
    """Else a small file's server is called broken."""
    refused = status("416 Range Not Satisfiable")
    web.answers["GET /whole.mp4"] = [refused, status("200 OK", body=b"a")]
    assert outcome(web, "/whole.mp4") is HealthOutcome.OK
    web.answers["GET /empty.mp4"] = refused
    assert outcome(web, "/empty.mp4") is HealthOutcome.GONE


def test_redirects_are_followed_and_a_loop_ends(web: Web) -> None:
    """Else a link shortener breaks lessons, or a loop holds a look up."""
    for hop in range(5):
        web.answers[f"/hop{hop}"] = status("302 Found", f"Location: hop{hop + 1}")
    assert outcome(web, "/hop0") is HealthOutcome.OK
    web.answers["/loop"] = status("301 Moved", "Location: /loop")
    assert outcome(web, "/loop") is HealthOutcome.GONE
    assert web.asked["HEAD /loop"] == 6


def test_a_redirect_in_raw_utf8_leads_where_browsers_go(web: Web) -> None:
    """Else lessons with an accent in their name are said to be gone."""
    web.answers["/accent"] = status("307 Moved", f"Location: {raw('/vidéo/à')}")
    web.answers["/latin"] = status("307 Moved", "Location: /vidéo")
    for path in ("/accent", "/latin"):
        assert outcome(web, path) is HealthOutcome.OK
    assert web.asked["GET /vid%C3%A9o/%C3%A0"] == web.asked["GET /vid%E9o"] == 1


def test_a_server_that_sends_head_astray_and_plays_is_well(web: Web) -> None:
    """Else a link that is signed for one method fails as the other."""
    web.answers["HEAD /astray.mp4"] = status("302 Found", "Location: /lost")
    web.answers["/lost"] = status("404 Not Found")
    assert outcome(web, "/astray.mp4") is HealthOutcome.OK
    assert web.asked["HEAD /lost"] == web.asked["GET /lost"] == 1
    web.answers["GET /astray.mp4"] = status("302 Found", "Location: /lost")
    assert outcome(web, "/astray.mp4") is HealthOutcome.GONE


def test_a_server_that_sends_head_inside_and_plays_is_well(web: Web) -> None:
    """Else nobody ever learns how such a lesson is."""
    web.answers["HEAD /inside.mp4"] = status("302 Found", "Location: http://[::1]/")
    assert outcome(web, "/inside.mp4") is HealthOutcome.OK


def test_a_silent_host_counts_once_for_each_lesson_that_is_sent_there(web: Web) -> None:
    """Else a second's hiccup condemns a host, and half of its lessons unasked."""
    away = Web(FRONT, port=free_port())
    there = away.url("/v.mp4", "away.example")
    web.answers["/there.mp4"] = status("302 Found", f"Location: {there}")
    prober = prober_for(web, away, limits=ProbeLimits(timeout_s=5, concurrency=1))
    seen = see(prober, *[web.url("/there.mp4")] * (MAX_SILENCES + 1))
    faults = [sighting.fault for sighting in seen]
    assert faults.count(ProbeFault.NO_CONNECTION) == MAX_SILENCES
    assert faults.count(ProbeFault.HOST_SILENT) == 1
    assert web.asked["HEAD /there.mp4"] == MAX_SILENCES + 1
    assert web.asked["GET /there.mp4"] == 0


def test_an_expired_link_is_told_from_a_forbidden_one(web: Web) -> None:
    """Else a creator is sent to look for the wrong fault."""
    now = datetime.now(UTC)
    gone, coming = now - timedelta(hours=1), now + timedelta(hours=1)
    web.answers["/s"] = status("403 Forbidden", body=b"<Code>AccessDenied</Code>")

    def amazon(signed: datetime) -> str:
        return f"X-Amz-Date={signed:%Y%m%dT%H%M%SZ}&X-Amz-Expires=600&X-Amz-Signature=s"

    for query in (
        amazon(gone),
        f"AWSAccessKeyId=a&Expires={gone.timestamp():.0f}&Signature=s",
        f"X-Goog-Date={gone:%Y%m%dT%H%M%SZ}&X-Goog-Expires=60",
        f"se={gone:%Y-%m-%dT%H:%M:%SZ}&sig=s",
    ):
        assert outcome(web, f"/s?{query}") is HealthOutcome.EXPIRED, query
    for query in (amazon(now), f"Expires={coming.timestamp():.0f}", "Expires=soon", ""):
        assert outcome(web, f"/s?{query}") is HealthOutcome.FORBIDDEN, query
    web.answers["/s"] = status("403 Forbidden", body=b"Request has expired")
    assert outcome(web, f"/s?{amazon(now)}") is HealthOutcome.EXPIRED


class Renewer:
    """Satisfies `LinkRenewer`: signs the links of one server."""

    def __init__(self, fresh: str) -> None:
        self.fresh = fresh

    def renewed(self, url: str, owns: Callable[[str], bool]) -> str | None:
        """The fresh link."""
        return self.fresh if "/old" in url and owns("uploads/none") else None


def test_an_expired_link_to_an_object_of_ours_is_signed_anew(web: Web) -> None:
    """Else every lesson of a private bucket fails a week after its upload."""
    web.answers["/old"] = web.answers["/other"] = status("403 Forbidden")
    prober = prober_for(web, limits=ENOUGH, renewer=Renewer(web.url("/new")))
    ours, other = see(prober, web.url("/old?Expires=1"), web.url("/other?Expires=1"))
    assert (ours.status, ours.renewed) == (206, True)
    assert outcome_of(other, network_is_up=True) is HealthOutcome.EXPIRED


def test_a_host_that_asks_us_to_wait_is_obeyed_and_not_broken(web: Web) -> None:
    """Else we hammer a host, and then tell its creators that it is broken."""
    later = status("429 Too Many Requests", "Retry-After: 0")
    web.answers["HEAD /busy.mp4"] = [later, HEAD_OF_VIDEO]
    assert outcome(web, "/busy.mp4") is HealthOutcome.OK
    web.answers["/never.mp4"] = later
    assert outcome(web, "/never.mp4") is HealthOutcome.OURS
    assert web.asked["HEAD /never.mp4"] == 3
    assert web.asked["GET /never.mp4"] == 0
    web.answers["/day.mp4"] = status("429 Slow Down", "Retry-After: 86400")
    prober = prober_for(web, limits=ENOUGH)
    seen = see(prober, *[web.url("/day.mp4")] * 20)
    assert {sighting.fault for sighting in seen} == {ProbeFault.THROTTLED}
    assert web.asked["HEAD /day.mp4"] < 10


def test_a_wish_that_is_no_time_is_a_short_one() -> None:
    """Else one header ends each look."""
    for wish in ("soon", "-1", "1e9", "Mon, 01 Jan 9999999999 00:00:00 GMT", ""):
        answer = Answer(429, {"retry-after": wish}, b"", "")
        assert pause_s(answer) == DEFAULT_PAUSE_S, wish


def test_a_server_that_dribbles_is_given_up_in_time(web: Web) -> None:
    """Else one slow host holds a place for ever."""
    web.answers["/drip.mp4"] = drip
    limits = ProbeLimits(timeout_s=0.5)
    (seen,) = see(prober_for(web, limits=limits), web.url("/drip.mp4"))
    assert seen.fault is ProbeFault.NO_ANSWER
    assert seen.latency_ms is not None


def test_a_gigabyte_is_not_read(web: Web) -> None:
    """Else ten thousand lessons cost terabytes of traffic."""
    web.answers["GET /big.mp4"] = a_gigabyte
    assert outcome(web, "/big.mp4") is HealthOutcome.OK
    assert 0 < GIGABYTE.sent < 8 << 20, "what the kernels of both sides hold"


def test_a_dead_host_is_not_asked_a_thousand_times(web: Web) -> None:
    """Else its lessons take hours, in which the others wait."""
    web.answers["/dead.mp4"] = cut
    prober = prober_for(web, limits=ProbeLimits(timeout_s=2, per_host=2))
    before = web.asked["HEAD /dead.mp4"]
    seen = see(prober, *[web.url("/dead.mp4")] * 60)
    assert all(sighting.is_silent for sighting in seen)
    assert web.asked["HEAD /dead.mp4"] - before <= MAX_SILENCES + 2


def test_limits_hold_for_each_host_and_overall() -> None:
    """Else a look is an attack on whoever holds the videos, or on ourselves."""
    webs = [Web(FRONT, delay_s=0.01) for _ in range(4)]
    with serving(*webs):
        names = FixedResolver()
        limits = ProbeLimits(timeout_s=20, concurrency=5, per_host=2)
        prober = prober_for(*webs, resolver=names, limits=limits)
        addresses = [
            web.url(f"/{number}.mp4", f"host{place}.example")
            for number in range(10)
            for place, web in enumerate(webs)
        ]
        seen = see(prober, *addresses)
    assert {sighting.status for sighting in seen} == {206}
    assert all(web.most_at_once <= 2 for web in webs)
    assert sum(web.connections for web in webs) == 40


@pytest.mark.parametrize(
    "kind", ["name", "authority", "no tls", "refused", "name server"]
)
def test_a_fault_on_the_way_is_one_of_the_network(
    kind: str, authority: trustme.CA, trust: ssl.SSLContext
) -> None:
    """Else a wrong clock of ours tells all creators that their lessons are broken."""
    plain = Web(FRONT, greeting=b"SSH-2.0-Server\r\n")
    tls = Web(FRONT, tls=tls_of(authority, "cdn.example"))
    with serving(plain, tls):
        prober = prober_for(tls, tls=trust, limits=ENOUGH)
        match kind:
            case "name":
                address = tls.url("/v.mp4", "other.example")
            case "authority":
                prober = prober_for(tls, limits=ENOUGH)
                address = tls.url("/v.mp4", "cdn.example")
            case "no tls":
                prober = prober_for(plain, limits=ENOUGH)
                address = plain.url("/v.mp4").replace("http:", "https:")
            case "refused":
                away = Web(FRONT, port=free_port())
                prober = prober_for(away, limits=ENOUGH)
                address = away.url("/v.mp4")
            case _:
                names = FixedResolver(cdn_example=[""])
                prober = prober_for(tls, tls=trust, resolver=names)
                address = tls.url("/v.mp4", "cdn.example")
        (seen,) = see(prober, address)
        assert seen.is_silent
        faults = {
            "name": ProbeFault.UNTRUSTED,
            "authority": ProbeFault.UNTRUSTED,
            "no tls": ProbeFault.BROKEN_TLS,
            "refused": ProbeFault.NO_CONNECTION,
            "name server": ProbeFault.NO_SUCH_HOST,
        }
        assert seen.fault is faults[kind]
        assert outcome_of(seen, network_is_up=False) is HealthOutcome.OURS


def test_a_certificate_is_checked_against_the_name(
    authority: trustme.CA, trust: ssl.SSLContext
) -> None:
    """Else pinning the address has lost the name, and no https lesson is well."""
    with serving(tls := Web(FRONT, tls=tls_of(authority, "cdn.example"))):
        prober = prober_for(tls, tls=trust, limits=ENOUGH)
        (seen,) = see(prober, tls.url("/v.mp4", "cdn.example"))
        assert seen.status == 206
        assert tls.hosts == {f"cdn.example:{tls.port}"}


class Surprised:
    """Satisfies `LinkRenewer`: falls over each link."""

    def renewed(self, url: str, owns: Callable[[str], bool]) -> str | None:
        """An error that nobody thought of."""
        del owns
        raise ZeroDivisionError(url)


def test_a_surprise_is_of_one_lesson_alone(web: Web) -> None:
    """Else one link ends each look, and no creator is ever told anything again."""
    web.answers["/odd"] = status("403 Forbidden")
    odd, well = web.url("/odd?Expires=1"), web.url("/well.mp4")
    seen = see(prober_for(web, renewer=Surprised()), odd, well)
    assert [one.fault for one in seen] == [ProbeFault.OURS, None]


def test_an_object_of_ours_is_looked_up_in_storage() -> None:
    """Else lessons that we hold ourselves are never looked at."""
    storage = FakeStorage()
    storage.add("uploads/there.mp4")
    prober = prober_for(storage=storage)
    seen = prober.probe(
        [
            lesson(None, "uploads/there.mp4"),
            lesson("  ", "uploads/there.mp4"),
            lesson("/uploads/there.mp4", "uploads/there.mp4"),
            lesson("uploads/away.mp4", "uploads/away.mp4"),
            lesson("../etc/passwd", "../etc/passwd"),
        ]
    )
    prober.close()
    assert [outcome_of(sighting, network_is_up=True).value for sighting in seen] == [
        "ok", "ok", "ok", "gone", "blocked",
    ]  # fmt: skip


def test_no_look_tells_whether_another_creators_object_is_there(web: Web) -> None:
    """Else a creator who guesses keys learns who else uploads what."""
    own, other = (f"uploads/2026-11-01/{name}@x.org/a.mp4" for name in ("ada", "bob"))
    storage = FakeStorage()
    storage.add(own)
    storage.add(other)

    class Keys(Renewer):
        """Reads the key from the link."""

        def renewed(self, url: str, owns: Callable[[str], bool]) -> str | None:
            """The fresh link."""
            return self.fresh if owns(url.partition("&key=")[2]) else None

    web.answers["/old"] = status("403 Forbidden", body=b"Request has expired")
    key = "uploads/2026-11-02/ADA@x.org/b.mp4"
    prober = prober_for(
        web, limits=ENOUGH, storage=storage, renewer=Keys(web.url("/new"))
    )
    seen = prober.probe(
        [
            lesson(address, own)
            for address in (
                own,
                other,
                "audio/of-somebody.flac",
                web.url(f"/old?Expires=1&key={key}"),
                web.url(f"/old?Expires=1&key={other}"),
            )
        ]
    )
    prober.close()
    assert [outcome_of(sighting, network_is_up=True).value for sighting in seen] == [
        "ok", "blocked", "blocked", "ok", "expired",
    ]  # fmt: skip


def test_a_control_tells_whether_we_are_connected(web: Web) -> None:
    """Else our own outage cannot be told from theirs."""
    away = Web(FRONT, port=free_port())
    for controls, found in (
        ((), None),
        ((web.url("/control"),), True),
        ((away.url("/control"), web.url("/control")), True),
        ((away.url("/control"),), False),
    ):
        prober = prober_for(web, away, controls=controls)
        assert prober.controls_answer() is found
        prober.close()
