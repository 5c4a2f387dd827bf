"""Rate limits counted on a Valkey or Redis server, for an event loop.

Here belongs asking without blocking. Not here: what is asked (`rate_limit_calls.py`).
"""

from collections.abc import Sequence

from mentora_pipelines.adapters.valkey.async_connection import AsyncValkeyServer
from mentora_pipelines.adapters.valkey.rate_limit_calls import (
    RateLimitCalls,
    rate_limit_script,
)
from mentora_pipelines.domain.rate_limits.identity import Identity
from mentora_pipelines.domain.rate_limits.limits import Decision, Demand, Limiter
from mentora_pipelines.errors import TransientError


class AsyncValkeyRateLimiter:
    """Satisfies `AsyncRateLimiter`: one bounded attempt a call, no thread."""

    def __init__(self, server: AsyncValkeyServer, *, prefix: str = "") -> None:
        self._server = server
        self._calls = RateLimitCalls(prefix)

    async def hit(self, limiter: Limiter, identity: Identity) -> Decision:
        """Count one call, unless it is refused."""
        return await self.hit_all([Demand(limiter, identity)])

    async def hit_all(self, demands: Sequence[Demand]) -> Decision:
        """Count one call under several limits at once: under all, or under none."""
        call = self._calls.hit(demands)
        try:
            reply = await self._server.run(
                rate_limit_script(), call.keys, call.arguments
            )
        except TransientError as error:
            return self._calls.unanswered(call, error)
        except BaseException:
            self._calls.abandoned(call)
            raise
        return self._calls.answered(call, reply)

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()
