"""What an HTTP client is told of a limit, and ASGI's own types.

Here belong status, headers and the refusal itself. Not here: who is limited, or when.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from mentora_pipelines.domain.rate_limits.limits import Decision

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

TOO_MANY_REQUESTS = 429
SERVICE_UNAVAILABLE = 503
"""Of a limiter that is closed in an outage: the caller has done nothing wrong."""

TRY_AGAIN_LATER = 1013
"""How a WebSocket is closed where the server cannot refuse it with HTTP."""


def status_of(decision: Decision) -> int:
    """The status of a refusal."""
    return SERVICE_UNAVAILABLE if decision.degraded else TOO_MANY_REQUESTS


def with_headers(
    headers: Iterable[tuple[bytes, bytes]], decision: Decision
) -> list[tuple[bytes, bytes]]:
    """The headers and the decision's; those that a limit within has set stay."""
    told = list(headers)
    present = {name.lower() for name, _ in told}
    for name, value in decision.headers.items():
        if (raw := name.lower().encode()) not in present:
            told.append((raw, value.encode()))
    return told


async def refuse(
    scope: Scope, receive: Receive, send: Send, decision: Decision
) -> None:
    """Answer a request or a WebSocket's handshake with the refusal."""
    kind = "http"
    if scope["type"] == "websocket":
        await receive()  # The client's wish to connect.
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
            return
        kind = "websocket.http"
    body = json.dumps(decision.body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send(
        {
            "type": f"{kind}.response.start",
            "status": status_of(decision),
            "headers": with_headers(headers, decision),
        }
    )
    await send({"type": f"{kind}.response.body", "body": body})
