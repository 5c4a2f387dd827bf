"""Pace that all processes keep together: a provider's limit is the account's.

Here belong the buckets on the coordination server. Not here: those of one process
(`provider_calls/pace`), which hold as long as the server is away.
"""

from collections.abc import Callable
from contextlib import closing
from hashlib import sha256

from mentora_pipelines.adapters.provider_calls.pace import LocalPace, Quota
from mentora_pipelines.adapters.valkey.connection import LuaScript, ValkeyServer
from mentora_pipelines.errors import TransientError

TAKE = LuaScript("""
-- KEYS: buckets. ARGV: the longest wait in µs, then for each bucket what is taken and
-- how many µs one of it takes to come back. A bucket is the moment at which it is full
-- again; it holds a minute. Returns the wait in µs; when that is too long, nothing is
-- taken.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local wait, full = 0, {}
for i = 1, #KEYS do
  local start = math.max(now, tonumber(redis.call('GET', KEYS[i]) or '0'))
  full[i] = start + ARGV[2 * i] * ARGV[2 * i + 1]
  wait = math.max(wait, math.min(start, full[i] - 60000000) - now)
end
if wait <= tonumber(ARGV[1]) then
  for i = 1, #KEYS do
    local left = math.ceil((full[i] - now) / 1000)
    redis.call('SET', KEYS[i], string.format('%.0f', full[i]), 'PX', math.max(1, left))
  end
end
return string.format('%.0f', wait)
""")

MINUTE_US = 60_000_000


class SharedPace:
    """Satisfies `Pace` for all processes that use the same server.

    `name` tells what shares the quota; `connect` makes a connection for one question.
    """

    def __init__(
        self,
        name: str,
        quota: Quota,
        connect: Callable[[], ValkeyServer],
        *,
        meanwhile: LocalPace,
        prefix: str = "",
    ) -> None:
        digest = sha256(name.encode()).hexdigest()[:16]
        self._buckets = [
            (f"{prefix}pace:{digest}:{unit}", unit, limit)
            for unit, limit in (
                ("requests", quota.requests),
                ("tokens", quota.tokens),
            )
            if limit is not None
        ]
        self._connect = connect
        self._meanwhile = meanwhile

    def wait_s(self, tokens: float, longest_s: float) -> float:
        """Seconds this request must wait; its place is taken unless that is longer."""
        if not self._buckets:
            return 0.0
        arguments: list[float] = [longest_s * 1e6]
        for _, unit, limit in self._buckets:
            taken = 1 if unit == "requests" else round(tokens)
            arguments += [taken, MINUTE_US / limit]
        try:
            with closing(self._connect()) as server:
                keys = [key for key, _, _ in self._buckets]
                return float(server.run(TAKE, keys, arguments)) / 1e6
        except TransientError:
            # As fast as one process alone may be; the provider counts all the same.
            return self._meanwhile.wait_s(tokens, longest_s)
