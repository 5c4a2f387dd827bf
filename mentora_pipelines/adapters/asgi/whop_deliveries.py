"""Whop's deliveries over HTTP, in any ASGI application.

    with open_whop_deliveries() as deliveries:
        app = Starlette(routes=[Route("/webhooks/whop", deliveries)])

Here belong reading a request and its status. Not here: what a delivery says
(`domain/memberships/deliveries`).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping

from mentora_pipelines.adapters.asgi.answers import Receive, Scope, Send
from mentora_pipelines.domain.memberships.deliveries import DeliveryOutcome
from mentora_pipelines.errors import (
    PermanentError,
    SettingsError,
    SignatureRefused,
    TransientError,
)
from mentora_pipelines.observability import incidents

MAX_BYTES = 256 << 10
"""No delivery of a membership comes near it."""

logger = logging.getLogger(__name__)

Take = Callable[[bytes, Mapping[str, str]], DeliveryOutcome]
"""Verifies a delivery and turns it into an event."""


class WhopDeliveries:
    """An ASGI endpoint for Whop's deliveries.

    204 for what is taken, repeated or none of ours; 401 for a wrong signature, 400 for
    what is not understood, 413 for what is too long; 503 makes Whop send it again. What
    was signed and cannot be taken is an incident.
    """

    def __init__(self, take: Take) -> None:
        incidents.start("webhooks")
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status = await self._status(scope, receive)
        headers = [(b"content-length", b"0")] if status != 204 else []
        if status == 405:
            headers.append((b"allow", b"POST"))
        await send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        await send({"type": "http.response.body", "body": b""})

    async def _status(self, scope: Scope, receive: Receive) -> int:
        if scope["method"] != "POST":
            return 405
        body = await _body(receive)
        if body is None:
            return 413
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        try:
            await asyncio.to_thread(self._take, body, headers)
        except SignatureRefused:
            return 401
        except (SettingsError, TransientError) as error:
            logger.warning("a delivery of Whop's is not taken: %s", error)
            _tell(error, body)
            return 503
        except PermanentError as error:
            logger.warning("a delivery of Whop's is refused: %s", error)
            _tell(error, body)
            return 400
        except Exception as error:
            _tell(error, body)
            raise
        return 204


def _tell(error: Exception, body: bytes) -> None:
    kind = type(error).__name__
    # In an outage each delivery fails, and Whop sends each one again.
    if incidents.at_intervals("webhooks", kind):
        incidents.capture_exception(
            error,
            membership_id=_membership_of(body),
            tags={"asset": "webhooks"},
            fingerprint=("webhooks", kind),
        )


def _membership_of(body: bytes) -> str | None:
    """Which membership a delivery is about, if it says so."""
    try:
        return str(json.loads(body)["data"]["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


async def _body(receive: Receive) -> bytes | None:
    """None when it is too long, or the client has left."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BYTES:
            return None
        if not message.get("more_body", False):
            return body
