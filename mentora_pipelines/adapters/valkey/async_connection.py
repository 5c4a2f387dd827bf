"""A server as an event loop asks it: one attempt, bounded as a whole, never a retry.

Here belongs what `connection.py` is for threads; breaker and errors are shared with it.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mentora_pipelines.adapters.valkey.breaker import PAUSE_S, breaker_of
from mentora_pipelines.adapters.valkey.connection import (
    LuaScript,
    ServerAway,
    ServerRefused,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis

MAX_CONNECTIONS = 16
"""A loop does not keep more of them busy; further calls wait, first come first
served (in the driver's own waiting pool they wait for half a second under load)."""


class AsyncValkeyServer:
    """One server of a `redis://` or `rediss://` (TLS) URL; for one event loop.

    Nothing is asked when it is made. `application` is the name in `CLIENT LIST`;
    `call_timeout_s` is for all of a call: a free connection, connecting, logging in
    and the answer.
    """

    def __init__(
        self,
        url: str,
        application: str,
        *,
        call_timeout_s: float,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._client = _client(url, application)
        where = self._client.connection_pool.connection_kwargs
        address = f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"
        self._breaker = breaker_of(address, pause_s)
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)
        self._call_timeout_s = call_timeout_s

    async def run(
        self, script: LuaScript, keys: Sequence[str], arguments: Sequence[Any]
    ) -> Any:  # noqa: ANN401  (what a script returns, only its caller knows)
        """Run a script in one round trip, or two when the server does not know it.

        Raises `ServerAway` when it does not answer in time, at once while it is left
        alone after a failure, and `ServerRefused` when it answers with an error.
        """
        from redis import exceptions

        if self._breaker.wait_s() > 0:
            raise ServerAway("the server did not answer a moment ago")
        try:
            async with asyncio.timeout(self._call_timeout_s), self._free:
                reply = await self._run(script, keys, arguments)
        except (
            exceptions.ConnectionError,
            exceptions.TimeoutError,
            TimeoutError,
        ) as error:
            self._breaker.failed()
            # The driver's text may hold an address or a user.
            raise ServerAway(f"no answer ({type(error).__name__})") from None
        except exceptions.RedisError as error:
            self._breaker.answered()
            raise ServerRefused(f"refused ({type(error).__name__})") from error
        self._breaker.answered()
        return reply

    async def _run(
        self, script: LuaScript, keys: Sequence[str], arguments: Sequence[Any]
    ) -> Any:  # noqa: ANN401  (what a script returns, only its caller knows)
        from redis.exceptions import NoScriptError

        words = (*keys, *arguments)
        try:
            return await self._client.evalsha(script.sha, len(keys), *words)
        except NoScriptError:
            return await self._client.eval(script.source, len(keys), *words)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _client(url: str, application: str) -> "Redis":
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.maint_notifications import MaintNotificationsConfig

    # Why each of these, `connection.py` says.
    return Redis.from_url(
        url,
        client_name=application,
        # `run` bounds the whole; these would bound each step, so only their sum.
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        protocol=2,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
