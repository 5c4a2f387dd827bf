"""A small Whop: access, listings and single memberships, and what can go wrong."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

KEY = "apik_hunter2"
COMPANY = "biz_school"
PRODUCT = "prod_course"

Json: TypeAlias = dict[str, Any]


def membership(number: int, **fields: object) -> Json:
    """A membership as the API tells it; with what no log may hold."""
    return {
        "id": f"mem_{number}",
        "user_id": f"user_{number}",
        "product_id": PRODUCT,
        "plan_id": "plan_1",
        "status": "active",
        "account": {"id": COMPANY, "route": "school", "title": "Ada Lovelace"},
        "product": {"id": PRODUCT, "title": "A course"},
        "cancel_at_period_end": False,
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "current_period_end": "2026-02-01T00:00:00.000Z",
        "metadata": {},
        "phone_number": "eve@tests.example",
        "initial_price": {
            "amount": "9.00",
            "currency": "usd",
            "decimals": 2,
            "display_decimals": 2,
        },
        **fields,
    }


@dataclass
class WhopServer:
    """Answers as `memberships` and `access` say; `fault` speaks instead of it.

    `faults_left` is how often a fault happens; `listing` may spoil a page.
    """

    memberships: list[Json] = field(default_factory=list)
    access: dict[tuple[str, str], Json] = field(default_factory=dict)
    page_size: int = 2
    fault: "Fault | None" = None
    faults_left: int = 1_000_000
    listing: Callable[[Json], Json] | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""
    resumed: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """As at the start."""
        self.memberships, self.access, self.asked = [], {}, []
        self.fault, self.faults_left, self.listing = None, 1_000_000, None
        self.page_size = 2
        self.resumed.set()
        self.resumed = threading.Event()

    def grants(self, user: str, *, has: bool = True, level: str = "customer") -> None:
        """What the access check says of a user and the product."""
        self.access[user, PRODUCT] = {"has_access": has, "access_level": level}

    def answer(self, target: str) -> tuple[int, Json]:
        """Status and body of a question."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        match parts.path.strip("/").split("/"):
            case ["users", user, "access", resource]:
                found = self.access.get((user, resource))
                return (200, found) if found else (404, {"error": "eve@tests.example"})
            case ["memberships", membership_id]:
                for one in self.memberships:
                    if one["id"] == membership_id:
                        return 200, one
                return 404, {"error": {"message": "Not found"}}
            case ["memberships"]:
                page = self._page(query)
                return 200, self.listing(page) if self.listing else page
        return 404, {}

    def _page(self, query: dict[str, list[str]]) -> Json:
        first = int(query.get("after", ["0"])[0])
        size = min(self.page_size, int(query["first"][0]))
        last = first + size
        more = last < len(self.memberships)
        return {
            "data": self.memberships[first:last],
            "page_info": {
                "end_cursor": str(last) if more else None,
                "has_next_page": more,
                "has_previous_page": first > 0,
            },
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else each body waits 40 ms for the acknowledgement of its headers.
    disable_nagle_algorithm = True
    whop: WhopServer

    def do_GET(self) -> None:
        """Answer one question."""
        whop = self.whop
        whop.asked.append(self.path)
        with suppress(OSError):
            if whop.fault is not None and whop.faults_left > 0:
                whop.faults_left -= 1
                whop.fault(self)
            elif self.headers["Authorization"] != f"Bearer {KEY}":
                self.say(401, b'{"error": "no apik_hunter2"}')
            else:
                status, body = whop.answer(self.path)
                self.say(status, json.dumps(body).encode())

    def say(self, status: int, body: bytes, **headers: str) -> None:
        """An answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


Fault: TypeAlias = Callable[[_Handler], None]


def hang(handler: _Handler) -> None:
    """Say nothing."""
    handler.whop.resumed.wait(30)
    handler.close_connection = True


def drip(handler: _Handler) -> None:
    """A body that comes in drops, and never ends."""
    handler.send_response(200)
    handler.send_header("content-length", "100000")
    handler.end_headers()
    while not handler.whop.resumed.wait(0.02):
        handler.wfile.write(b" ")
    handler.close_connection = True


def drop(handler: _Handler) -> None:
    """Close without a word."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut(handler: _Handler) -> None:
    """Close in the middle of a body."""
    handler.send_response(200)
    handler.send_header("content-length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"has_access": true, ')
    drop(handler)


def saying(status: int, body: bytes = b"{}", **headers: str) -> Fault:
    """Another answer."""
    return lambda handler: handler.say(status, body, **headers)


@contextmanager
def serving_whop() -> Iterator[WhopServer]:
    """A Whop on a free port."""
    whop = WhopServer()
    handler = type("Handler", (_Handler,), {"whop": whop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    whop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield whop
    finally:
        whop.reset()
        server.shutdown()
        thread.join()
        server.server_close()
