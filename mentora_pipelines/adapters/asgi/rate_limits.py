"""Rate limits in front of an ASGI application: Starlette, FastAPI or a bare one.

    limits = HttpRateLimits(make_async_rate_limiter(), trusted_proxies=["10.0.0.0/8"])
    app.add_middleware(RateLimitMiddleware, limits=limits)

    @app.post("/chat")
    @limits.limited(CHAT)
    async def chat(request: Request) -> Response: ...

Here belongs finding out who calls. Not here: counting, proving who a user is, or what
an HTTP client is told (`answers.py`).
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from mentora_pipelines.adapters.asgi.answers import (
    App,
    Message,
    Receive,
    Scope,
    Send,
    refuse,
    with_headers,
)
from mentora_pipelines.adapters.asgi.endpoints import INNER, Endpoint, limited_endpoint
from mentora_pipelines.domain.rate_limits.identity import (
    Identity,
    TrustedProxies,
    address_of,
    caller_address,
    user,
)
from mentora_pipelines.domain.rate_limits.limits import (
    API,
    AsyncRateLimiter,
    Decision,
    Demand,
    Limiter,
    decide_blindly,
)
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.sentry_events import is_a_bots

UserId: TypeAlias = Callable[[Scope], str | None]
"""The id of the user that the application has authenticated; None for a stranger."""

MoreDemands: TypeAlias = Callable[[Scope], Iterable[Demand]]
"""What a request is subject to beside its caller's limits: a creator's, everyone's."""

LOG_EVERY_S = 10.0
"""Often enough to be seen, rarely enough not to fill a disk."""

logger = logging.getLogger(__name__)


def nobody(_scope: Scope) -> None:
    """No request is authenticated: callers are known by their address."""


class HttpRateLimits:
    """Who is limited in one application, and by what counts.

    `trusted_proxies` are networks, or `unix` (see `TrustedProxies`); raises
    `InvalidInput` for others. A server that rewrites the peer by itself (uvicorn does
    for a proxy on its own host) must trust the same proxies, or none.
    """

    def __init__(
        self,
        limiter: AsyncRateLimiter,
        *,
        trusted_proxies: Iterable[str] = (),
        user_id: UserId = nobody,
    ) -> None:
        incidents.start("web")
        self._limiter = limiter
        self._trusted = TrustedProxies.parse(trusted_proxies)
        self._user_id = user_id
        self._next_log = 0.0

    def identity(self, scope: Scope) -> Identity | None:
        """Who calls: the authenticated user, else the address; None without either.

        No header that a client can write names anybody.
        """
        if user_id := self._user_id(scope):
            return user(user_id)
        address = caller_address(
            scope["client"][0] if scope.get("client") else None,
            [
                value.decode("latin-1")
                for name, value in scope["headers"]
                if name == b"x-forwarded-for"
            ],
            self._trusted,
        )
        return None if address is None else address_of(address)

    async def decide(
        self,
        scope: Scope,
        limiters: Sequence[Limiter],
        also: MoreDemands | None = None,
    ) -> Decision:
        """Count a request under its caller's limits and under `also`, or under none.

        A caller without identity shares no bucket with others: the limiters' outage
        policy decides, and it is logged.
        """
        identity = self.identity(scope)
        if identity is None:
            self._log_stranger(scope)
            return decide_blindly(limiters, datetime.now(UTC))
        demands = [Demand(limiter, identity) for limiter in limiters]
        if also is not None:
            demands += also(scope)
        return await self._limiter.hit_all(demands)

    def limited(
        self, *limiters: Limiter, also: MoreDemands | None = None
    ) -> Callable[[Endpoint], Endpoint]:
        """Decorate an endpoint, with or without `async`, that takes its `Request`.

        The headers are put on the response it returns; where it returns something
        that its framework makes a response of, the middleware around it adds them.
        """

        async def ask(scope: Scope) -> Decision:
            return await self.decide(scope, limiters, also)

        return lambda endpoint: limited_endpoint(endpoint, ask)

    def _log_stranger(self, scope: Scope) -> None:
        if time.monotonic() >= self._next_log:
            self._next_log = time.monotonic() + LOG_EVERY_S
            logger.warning(
                "requests come without an address, so nobody can be limited: "
                "name the proxy in front of this server among the trusted"
            )
            agent = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
            if not is_a_bots(agent) and incidents.at_intervals("limits", "stranger"):
                incidents.capture_message(
                    "requests come without an address, so nobody can be limited",
                    tags={"asset": "limits"},
                    fingerprint=("limits", "stranger"),
                )


class RateLimitMiddleware:
    """Limits every request and WebSocket of an application, or of one route.

    `limiters` apply to the caller, `also` to others; `exempt` paths are not counted.
    """

    def __init__(
        self,
        app: App,
        *,
        limits: HttpRateLimits,
        limiters: Sequence[Limiter] = (API,),
        also: MoreDemands | None = None,
        exempt: Collection[str] = (),
    ) -> None:
        self._app = app
        self._limits = limits
        self._limiters = limiters
        self._also = also
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is over a limit; pass on all others."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        decision = await self._limits.decide(scope, self._limiters, self._also)
        if not decision.allowed:
            await refuse(scope, receive, send, decision)
            return
        within: list[Decision] = []

        async def tell(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                shown = within[-1] if within else decision
                message["headers"] = with_headers(message.get("headers", ()), shown)
            await send(message)

        await self._app({**scope, INNER: within}, receive, tell)
