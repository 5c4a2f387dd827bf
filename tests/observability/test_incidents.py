"""Sentry in real processes: its server well, away, slow, refusing; or none."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mentora_pipelines.observability.incidents import process_name
from mentora_pipelines.observability.sentry_events import (
    safe_breadcrumb,
    safe_event,
)
from mentora_pipelines.settings.environment import child_environment
from tests.fix_sentry import EnvelopeSink
from tests.fix_services import PROJECT

TELLS = """
import sys
from mentora_pipelines.observability import incidents
if sys.argv[1:] == ["patient"]:
    incidents.FLUSH_S = 60
incidents.start("command")
incidents.start("command")
for number in range(3):
    try:
        {}[number]
    except KeyError as error:
        incidents.capture_exception(
            error, user_id="user_1", creator_id="c1", membership_id="m1",
            extra={"number": number, "email": "ada@x.example"},
            fingerprint=(str(number),),
        )
if sys.argv[1:] == ["waits"]:
    input()
print("sentry_sdk" in sys.modules, "structlog" in sys.modules)
"""


def run(
    code: str, *arguments: str, stdin: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it in a process with nothing but these settings; it must end by itself."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=child_environment(PYTHONPATH=str(PROJECT), **environment),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_an_error_is_told_with_its_user_creator_and_membership(
    sentry: EnvelopeSink,
) -> None:
    """Else support cannot find the person whose work failed."""
    done = run(
        TELLS, "patient", SENTRY_DSN=sentry.dsn, MENTORA_ENVIRONMENT="production"
    )
    assert (done.stdout, done.stderr) == ("True False\n", "")
    assert len(sentry.of_type("event")) == 3
    for number, event in enumerate(sentry.of_type("event")):
        assert event["user"] == {"id": "user_1"}
        assert event["tags"] == {
            "creator_id": "c1", "membership_id": "m1", "process": "command",
        }  # fmt: skip
        assert event["contexts"]["extra"] == {"number": number, "email": "[hidden]"}
        assert event["environment"] == "production"


def test_without_a_dsn_nothing_is_imported_and_nothing_is_said() -> None:
    """Else everybody pays for what few use, or is warned of what they do not want."""
    done = run(TELLS, SENTRY_DSN="")
    assert (done.stdout, done.stderr) == ("False False\n", "")


TAKES = """
import asyncio, json, sys
if sys.argv[1:] == ["another"]:
    import sentry_sdk
    sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", default_integrations=False)
    client = sentry_sdk.get_client()
from mentora_pipelines.adapters.asgi.rate_limits import HttpRateLimits
from mentora_pipelines.adapters.asgi.whop_deliveries import WhopDeliveries
from mentora_pipelines.domain.rate_limits.limits import API
from mentora_pipelines.errors import SignatureRefused
from mentora_pipelines.observability import incidents

incidents.FLUSH_S = 60

def take(body, headers):
    raise (SignatureRefused if headers else RuntimeError)("ada@x.example")

async def deliver(*headers):
    async def receive():
        return {"type": "http.request", "body": b'{"data": {"id": "mem_1"}}'}
    async def send(message):
        pass
    scope = {"method": "POST", "headers": headers}
    try:
        await WhopDeliveries(take)(scope, receive, send)
    except RuntimeError:
        print("RuntimeError")

async def come_without_an_address(*headers):
    limits = HttpRateLimits(None)
    await limits.decide({"headers": headers, "client": None}, [API])

asyncio.run(deliver((b"a", b"b")))
asyncio.run(deliver())
asyncio.run(deliver())
incidents.QUIET_S = 0
asyncio.run(come_without_an_address((b"user-agent", b"Googlebot/2.1")))
asyncio.run(come_without_an_address())
if sys.argv[1:]:
    print(sentry_sdk.get_client() is client)
"""


def test_an_application_tells_what_it_could_not_take(sentry: EnvelopeSink) -> None:
    """Else a purchase is lost for an hour, and nobody hears why; or of all of them."""
    done = run(TAKES, SENTRY_DSN=sentry.dsn)
    assert done.stdout == "RuntimeError\nRuntimeError\n"
    failed, strangers = sentry.of_type("event")
    assert failed["tags"] == {
        "asset": "webhooks", "membership_id": "mem_1", "process": "webhooks",
    }  # fmt: skip
    assert failed["fingerprint"] == ["webhooks", "RuntimeError"]
    assert strangers["fingerprint"] == ["limits", "stranger"]
    assert "ada@" not in sentry.text


def test_an_application_that_tells_sentry_itself_keeps_its_client(
    sentry: EnvelopeSink,
) -> None:
    """Else a limit that is mounted takes the host's own incidents away."""
    done = run(TAKES, "another", SENTRY_DSN=sentry.dsn)
    assert done.stdout.endswith("True\n")
    assert sentry.requests == 0


@contextmanager
def once_asked(sentry: EnvelopeSink) -> Iterator[int]:
    """What a process reads a line from, as soon as it has asked the server."""
    read, write = os.pipe()

    def tell() -> None:
        while not sentry.requests and not ended.wait(0.01):
            pass
        os.write(write, b"\n")

    ended = threading.Event()
    thread = threading.Thread(target=tell)
    thread.start()
    yield read
    ended.set()
    thread.join()
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("fault", ["away", "hangs", "refuses"])
def test_a_server_that_does_not_take_it_holds_up_no_process(
    sentry: EnvelopeSink, fault: str
) -> None:
    """Else an outage of Sentry is one of lessons; or it is flooded when it is back."""
    dsn = sentry.dsn
    if fault == "away":
        dsn = dsn.replace(str(sentry.port), "1")
    elif fault == "hangs":
        sentry.hangs = threading.Event()
    else:
        sentry.status = 429
    behaviour = {"away": "", "hangs": "waits", "refuses": "patient"}[fault]
    with once_asked(sentry) as asked:
        done = run(TELLS, behaviour, stdin=asked, SENTRY_DSN=dsn)
    assert done.stdout == "True False\n"
    assert "Traceback" not in done.stderr
    # After the first 429 the rest is not sent.
    assert sentry.requests == {"away": 0, "hangs": 1, "refuses": 1}[fault]


def event_of(**parts: object) -> dict[str, Any]:
    """An event as the SDK would make it."""
    made: dict[str, Any] = json.loads(json.dumps(parts))
    return made


@pytest.mark.parametrize("agent", ["Googlebot/2.1", "my-Crawler", "a spider"])
def test_what_a_bot_causes_is_dropped(agent: str) -> None:
    """Else crawlers fill the month's quota."""
    assert safe_event(event_of(request={"headers": {"User-Agent": agent}})) is None


def test_what_is_not_known_to_be_harmless_is_not_told() -> None:
    """Else the next version of the SDK adds a field, and it leaks."""
    event = event_of(
        request={
            "url": "https://h/p?token=x", "headers": {"Cookie": "x"},
            "data": "a lesson",
        },
        exception={"values": [
            {"type": "E", "module": "psycopg", "value": "Failing row (a lesson)"},
            {"type": "NotFound", "module": "mentora_pipelines.errors", "value": "gone"},
        ]},
        logentry={"message": "step failed: a lesson\na lesson", "params": ["a lesson"]},
        user={"id": "1", "email": "ada@x.example"},
        future_field={"prompt": "a lesson"},
    )  # fmt: skip
    safe = safe_event(event)
    assert "a lesson" not in json.dumps(safe)
    assert safe is not None
    assert safe["request"] == {"url": "https://h/p?…"}
    assert safe["user"] == {"id": "1"}
    values = safe["exception"]["values"]  # type: ignore[index]
    assert [one["value"] for one in values] == ["its words are not told", "gone"]


def test_only_breadcrumbs_of_requests_stay_and_without_their_query() -> None:
    """Else a signed link is told by a line that a library has logged."""
    assert safe_breadcrumb({"category": "console", "message": "x"}) is None
    assert safe_breadcrumb({"category": "httpx._client", "message": "x"}) is None
    crumb = safe_breadcrumb(
        event_of(
            category="httplib",
            data={
                "url": "https://h/p?sig=1",
                "http.query": "sig=1",
                "status_code": 200,
            },
        )
    )
    assert crumb is not None
    assert crumb["data"] == {"status_code": 200}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python -m dagster api grpc --lazy-load-user-code", "code server"),
        ("python -c from multiprocessing.spawn import spawn_main; x", "run worker"),
        ("dagster api execute_run {}", "run worker"),
        ("python -m dagster._daemon run -w workspace.yaml", "daemon"),
        ("python -m dagster_webserver -p 3000", "webserver"),
        ("dagster dev", "dagster"),
    ],
)
def test_a_process_knows_which_one_it_is(command: str, name: str) -> None:
    """Else nobody sees whether the daemon or a run has failed."""
    assert process_name(command.split()) == name
