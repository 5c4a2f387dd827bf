"""A server as we ask it: one bounded attempt, never a retry, a breaker in front.

Here belong the pool, its time-outs and the translation of errors. Not here: what is
asked; the cache swallows the errors, a limiter follows its policy.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mentora_pipelines.adapters.valkey.breaker import PAUSE_S, breaker_of
from mentora_pipelines.errors import TransientError

if TYPE_CHECKING:
    from redis import Redis

CONNECT_TIMEOUT_S = 0.1
"""For an address that swallows packets. A frozen server still accepts connections, so
a call costs this or the time-out of an answer, not their sum."""

MAX_CONNECTIONS = 512
"""Above any number of threads that ask at once; a pool at its limit refuses."""


class ServerAway(TransientError):
    """The server did not answer in time, or lately; nobody knows what it has done."""


class ServerRefused(TransientError):
    """The server answered that it will not: full, read-only, not permitted."""


class LuaScript:
    """A script that a server runs as one atomic step, sent once and then named."""

    def __init__(self, source: str) -> None:
        self.source = source
        # The name that the protocol gives it, not a safeguard.
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class ValkeyServer:
    """One server of a `redis://` or `rediss://` (TLS) URL; safe for threads.

    Nothing is asked when it is made. `application` is the name in `CLIENT LIST`;
    `answer_timeout_s` is what a server that is stopped costs a caller.
    """

    def __init__(
        self,
        url: str,
        application: str,
        *,
        answer_timeout_s: float,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._client = _client(url, application, answer_timeout_s)
        where = self._client.connection_pool.connection_kwargs
        address = f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"
        self._breaker = breaker_of(address, pause_s)

    @contextmanager
    def asked(self) -> "Iterator[Redis]":
        """The client, for one command or one pipeline.

        Raises `ServerAway` when the server does not answer, at once while it is left
        alone after a failure, and `ServerRefused` when it answers with an error.
        """
        from redis import exceptions

        if self._breaker.wait_s() > 0:
            raise ServerAway("the server did not answer a moment ago")
        try:
            yield self._client
        except exceptions.MaxConnectionsError:
            # Ours to mend: the server is as well as before.
            raise ServerAway("every connection to the server is in use") from None
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            self._breaker.failed()
            # The driver's text may hold an address or a user.
            raise ServerAway(f"no answer ({type(error).__name__})") from None
        except exceptions.RedisError as error:
            self._breaker.answered()
            raise ServerRefused(f"refused ({type(error).__name__})") from error
        self._breaker.answered()

    def run(
        self, script: LuaScript, keys: Sequence[str], arguments: Sequence[Any]
    ) -> Any:  # noqa: ANN401  (what a script returns, only its caller knows)
        """Run a script in one round trip, or two when the server does not know it.

        Raises `ServerAway` and `ServerRefused`.
        """
        from redis.exceptions import NoScriptError

        with self.asked() as client:
            try:
                return client.evalsha(script.sha, len(keys), *keys, *arguments)
            except NoScriptError:
                return client.eval(script.source, len(keys), *keys, *arguments)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _client(url: str, application: str, answer_timeout_s: float) -> "Redis":
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.maint_notifications import MaintNotificationsConfig
    from redis.retry import Retry

    return Redis.from_url(
        url,
        client_name=application,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=answer_timeout_s,
        # The client's own default is ten retries: 15 s a call at a frozen server.
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
        # Its library's name would cost two more round trips per connection.
        driver_info=None,
        protocol=2,
        # With these a pool hands out connections that the server has closed.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
