"""Rate limits counted on a Valkey or Redis server, for code that may wait for it.

Here belongs asking with threads. Not here: what is asked (`rate_limit_calls.py`), or
an event loop, which this would block (`async_rate_limiter.py`).
"""

from collections.abc import Sequence

from mentora_pipelines.adapters.valkey.connection import ValkeyServer
from mentora_pipelines.adapters.valkey.rate_limit_calls import (
    KEPT_DAYS,
    RateLimitCalls,
    rate_limit_script,
    read_usage,
)
from mentora_pipelines.domain.rate_limits.identity import Identity
from mentora_pipelines.domain.rate_limits.limits import (
    RETRY_S,
    Decision,
    Demand,
    Limiter,
    Outage,
    Usage,
)
from mentora_pipelines.errors import InvalidInput, TransientError


class ValkeyRateLimiter:
    """Satisfies `RateLimiter` and `UsageReader`: one bounded attempt a call."""

    def __init__(self, server: ValkeyServer, *, prefix: str = "") -> None:
        self._server = server
        self._calls = RateLimitCalls(prefix)

    def hit(self, limiter: Limiter, identity: Identity) -> Decision:
        """Count one call, unless it is refused."""
        return self.hit_all([Demand(limiter, identity)])

    def hit_all(self, demands: Sequence[Demand]) -> Decision:
        """Count one call under several limits at once: under all, or under none."""
        call = self._calls.hit(demands)
        try:
            reply = self._server.run(rate_limit_script(), call.keys, call.arguments)
        except TransientError as error:
            return self._calls.unanswered(call, error)
        return self._calls.answered(call, reply)

    def wait_s(self, limiter: Limiter, identity: Identity) -> float:
        """Seconds until a call would be allowed, 0 for now; counts nothing."""
        call = self._calls.peek(Demand(limiter, identity))
        try:
            reply = self._server.run(rate_limit_script(), call.keys, call.arguments)
        except TransientError:
            return float(RETRY_S) if limiter.on_outage is Outage.CLOSED else 0.0
        return self._calls.waited(call, reply)

    def usage(self, limiters: Sequence[Limiter], *, days: int) -> list[Usage]:
        """Calls of each limiter in the last `days` UTC days, today included.

        Raises `InvalidInput` for days that are not kept, and `TransientError`.
        """
        if not 1 <= days <= KEPT_DAYS:
            raise InvalidInput(f"usage is kept for 1 to {KEPT_DAYS} days")
        with self._server.asked() as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.time()
            for limiter in limiters:
                pipeline.hgetall(self._calls.usage_key(limiter))
            (seconds, _), *hashes = pipeline.execute()
        return [
            read_usage(limiter, fields, today=seconds // 86_400, days=days)
            for limiter, fields in zip(limiters, hashes, strict=True)
        ]
