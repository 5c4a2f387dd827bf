"""Limits in front of a real application, asked over real HTTP."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mentora_pipelines.adapters.asgi.answers import Message, Scope
from mentora_pipelines.adapters.asgi.rate_limits import (
    HttpRateLimits,
    RateLimitMiddleware,
)
from mentora_pipelines.adapters.valkey.async_connection import AsyncValkeyServer
from mentora_pipelines.adapters.valkey.async_rate_limiter import AsyncValkeyRateLimiter
from mentora_pipelines.domain.rate_limits.identity import EVERYONE
from mentora_pipelines.domain.rate_limits.limits import (
    API,
    AUTH,
    CHAT,
    Demand,
    Limiter,
    Window,
)
from mentora_pipelines.providers.rate_limits import make_async_rate_limiter
from tests.fix_valkey import StartValkey, ValkeyProcess
from tests.rate_limit_callers import PATIENCE_S

SCHOOL = Limiter("school", 3, 60, Window.SLIDING)


def authenticated(scope: Scope) -> str | None:
    """A stand-in for the application's sign-in: a token that it has checked."""
    tokens = dict(scope["headers"]).get(b"authorization", b"").decode()
    return tokens.removeprefix("Bearer checked-") if "checked-" in tokens else None


def application(url: str) -> Starlette:
    """An application as the platform has them, its own proxy on this machine."""
    limiter = AsyncValkeyRateLimiter(
        AsyncValkeyServer(url, "tests", call_timeout_s=PATIENCE_S)
    )
    limits = HttpRateLimits(
        limiter, trusted_proxies=["127.0.0.1"], user_id=authenticated
    )

    async def anything(_: Request) -> Response:
        return PlainTextResponse("ok")

    @limits.limited(CHAT)
    async def chat(request: Request) -> Response:
        return PlainTextResponse(request.method)

    @limits.limited(AUTH)
    def sign_in(_: Request) -> Response:
        return JSONResponse({"thread": threading.current_thread().name})

    @limits.limited(CHAT, also=lambda _: [Demand(SCHOOL, EVERYONE)])
    async def school(request: Request) -> Response:
        return PlainTextResponse(request.method)

    @limits.limited(CHAT)
    async def plain(*, request: Request, word: str) -> object:
        return {"word": word, "path": request.url.path}

    async def framework(request: Request) -> Response:
        # FastAPI calls by keyword, and makes the response of what comes back itself.
        made = await plain(request=request, word="ok")
        return made if isinstance(made, Response) else JSONResponse(made)

    @asynccontextmanager
    async def closed_at_the_end(_: Starlette) -> AsyncIterator[None]:
        yield
        await limiter.close()

    return Starlette(
        lifespan=closed_at_the_end,
        routes=[
            Route("/", anything),
            Route("/health", anything),
            Route("/chat", chat, methods=["POST"]),
            Route("/sign-in", sign_in, methods=["POST"]),
            Route("/school", school),
            Route("/plain", framework),
        ],
        middleware=[Middleware(RateLimitMiddleware, limits=limits, exempt=["/health"])],
    )


class Site:
    """An application behind uvicorn, in a thread of this process."""

    def __init__(self, url: str) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(url),
                port=0,
                log_level="error",
                proxy_headers=False,
                ws="none",
                loop="asyncio",
            )
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def __call__(
        self, path: str, caller: str, method: str = "GET", **headers: str
    ) -> httpx.Response:
        """A request through the proxy, from `caller`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.request(
            method, path, headers={"X-Forwarded-For": caller, **named}
        )

    def close(self) -> None:
        """Stop it."""
        self._client.close()
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture(scope="module")
def site(valkey_coordination: ValkeyProcess) -> Iterator[Site]:
    """The application; each test comes from an address of its own."""
    opened = Site(valkey_coordination.url)
    yield opened
    opened.close()


def test_a_request_is_told_what_is_left(site: Site) -> None:
    """Else a polite client cannot know that it should slow down."""
    before = datetime.now(UTC)
    first, second = site("/", "192.0.2.1"), site("/", "192.0.2.1")
    assert (first.status_code, first.text) == (200, "ok")
    assert first.headers["X-RateLimit-Limit"] == str(API.limit)
    assert first.headers["X-RateLimit-Remaining"] == str(API.limit - 1)
    assert second.headers["X-RateLimit-Remaining"] == str(API.limit - 2)
    reset = datetime.fromisoformat(first.headers["X-RateLimit-Reset"])
    assert 50 < (reset - before).total_seconds() < 70
    assert "Retry-After" not in first.headers


def test_the_limit_is_refused_with_all_a_client_needs(site: Site) -> None:
    """Else the web application cannot tell its user when to try again."""
    statuses = [
        site("/sign-in", "192.0.2.2", "POST").status_code for _ in range(AUTH.limit)
    ]
    assert statuses == [200] * AUTH.limit
    refused = site("/sign-in", "192.0.2.2", "POST")
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/json"
    assert refused.json() == {
        "error": "Too many requests",
        "retryAfter": refused.headers["X-RateLimit-Reset"],
    }
    assert refused.headers.get_list("X-RateLimit-Limit") == [str(AUTH.limit)]
    assert refused.headers.get_list("X-RateLimit-Remaining") == ["0"]
    assert 0 < int(refused.headers["Retry-After"]) <= AUTH.window_s + 1
    assert site("/sign-in", "192.0.2.3", "POST").status_code == 200


def test_the_whole_application_is_limited(site: Site) -> None:
    """Else a path that nobody thought of has no limit."""
    statuses = {site("/missing", "192.0.2.4").status_code for _ in range(API.limit)}
    assert statuses == {404}
    refused = site("/", "192.0.2.4")
    assert refused.status_code == 429
    assert refused.json()["error"] == "Too many requests"
    assert site("/health", "192.0.2.4").status_code == 200


def test_an_endpoints_own_limit_is_the_one_told(site: Site) -> None:
    """Else a client sees room in the general limit, and is refused by the other."""
    for path, method in (("/chat", "POST"), ("/plain", "GET")):
        answer = site(path, f"192.0.2.{5 if path == '/chat' else 6}", method)
        assert answer.status_code == 200
        assert answer.headers.get_list("X-RateLimit-Limit") == [str(CHAT.limit)]
        assert answer.headers["X-RateLimit-Remaining"] == str(CHAT.limit - 1)


def test_a_limit_of_all_spares_the_caller_when_it_refuses(site: Site) -> None:
    """Else a busy school costs each of its students calls that were not made."""
    for number in range(SCHOOL.limit):
        answer = site("/school", f"192.0.2.{20 + number}")
        assert answer.headers["X-RateLimit-Remaining"] == str(SCHOOL.limit - 1 - number)
    assert site("/school", "192.0.2.7").status_code == 429
    assert site("/plain", "192.0.2.7").headers["X-RateLimit-Remaining"] == "19"


def test_a_client_cannot_choose_who_it_is(site: Site) -> None:
    """Else a header is all it takes to have no limit, or to use up another's."""
    for number in range(AUTH.limit):
        site("/sign-in", f"10.9.9.{number}, 192.0.2.8", "POST", x_user_id=str(number))
    forged = site("/sign-in", "10.9.9.9, 192.0.2.8", "POST", x_user_id="root")
    assert forged.status_code == 429
    assert site("/sign-in", "2001:db8::1", "POST").status_code == 200
    assert site("/sign-in", "[2001:db8::2]:80", "POST").headers[
        "X-RateLimit-Remaining"
    ] == str(AUTH.limit - 2)


def test_a_user_is_limited_wherever_they_come_from(site: Site) -> None:
    """Else changing the network is a way around every limit."""
    for number in range(AUTH.limit):
        token = {"Authorization": "Bearer checked-ada"}
        assert site("/sign-in", f"198.51.100.{number}", "POST", **token).is_success
    token = {"Authorization": "Bearer checked-ada"}
    assert site("/sign-in", "198.51.100.9", "POST", **token).status_code == 429
    assert site("/sign-in", "198.51.100.9", "POST").is_success


def drive(app: RateLimitMiddleware, scope: dict[str, Any]) -> list[Message]:
    """What an application answers to a scope, without a server."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{scope['type']}.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app({"path": "/", "headers": [], **scope}, receive, send))
    return sent


async def accepting(_scope: Scope, _receive: object, send: Any) -> None:  # noqa: ANN401
    """An application that accepts every WebSocket."""
    await send({"type": "websocket.accept"})


def closed_to_strangers(url: str) -> RateLimitMiddleware:
    """An application behind the limit that is closed in an outage."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDIS_URL", url)
        environment.delenv("MENTORA_COORDINATION_REDIS_URL", raising=False)
        limits = HttpRateLimits(make_async_rate_limiter())
    return RateLimitMiddleware(accepting, limits=limits, limiters=[AUTH])


def test_a_server_that_is_away_is_not_the_callers_fault(
    start_valkey: StartValkey,
) -> None:
    """Else an outage tells users that they signed in too often."""
    valkey = start_valkey()
    valkey.kill()
    start, body = drive(
        closed_to_strangers(valkey.url), {"type": "http", "client": ("192.0.2.9", 1)}
    )
    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"] == b"5"
    assert json.loads(body["body"])["error"] == "Rate limit cannot be checked"


def test_callers_without_an_address_share_no_bucket(
    valkey_coordination: ValkeyProcess,
) -> None:
    """Else one of them uses up the limit of all who come through a socket."""
    app = closed_to_strangers(valkey_coordination.url)
    start, _ = drive(app, {"type": "http", "client": None})
    assert start["status"] == 503


def test_a_websocket_is_refused_as_a_request_is(start_valkey: StartValkey) -> None:
    """Else the chat's limit ends where its socket begins."""
    valkey = start_valkey()
    valkey.kill()
    app = closed_to_strangers(valkey.url)
    scope = {"type": "websocket", "client": ("192.0.2.10", 1)}
    assert drive(app, scope) == [{"type": "websocket.close", "code": 1013}]
    extensions: dict[str, Any] = {"extensions": {"websocket.http.response": {}}}
    start, body = drive(app, {**scope, **extensions})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 503)
    assert body["type"] == "websocket.http.response.body"
