"""Calls to Whop: bounded in time and size, and Whop left alone when it is away.

Here belong the connection and who repeats what. Not here: what is asked
(`memberships`), or what an error means (`faults`).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import httpx
from pydantic import SecretStr
from whop_sdk import Whop
from whop_sdk.core.request_options import RequestOptions
from whop_sdk.environment import WhopEnvironment

from mentora_pipelines.adapters.breaker import Breaker
from mentora_pipelines.adapters.whop.faults import (
    fault_of,
    is_away,
    wait_asked_for_s,
)
from mentora_pipelines.errors import MentoraError, TransientError

T = TypeVar("T")

MAX_BYTES = 16 << 20
"""Of one answer: no page of a hundred memberships comes near it."""

PAUSE_S = 5.0
"""How long Whop is left alone after it did not answer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take: `read_s` for each silence, twice that for an answer.

    At most `attempts`, the pause between them doubling from `pause_s`, and none begun
    after `budget_s`. A pause that Whop asks for is kept when the budget allows it.
    """

    read_s: float
    attempts: int
    pause_s: float
    budget_s: float


PERSON_WAITS = Patience(read_s=2.0, attempts=2, pause_s=0.1, budget_s=4.0)
"""An access check: a page is being opened."""

NOBODY_WAITS = Patience(read_s=15.0, attempts=4, pause_s=0.5, budget_s=60.0)
"""A listing; nothing repeats a request for more than a minute (DESIGN: errors)."""


class WhopCalls:
    """The SDK's client behind our bounds; safe for threads, closed by `close`."""

    def __init__(
        self, api_key: SecretStr, base_url: str, *, pause_s: float = PAUSE_S
    ) -> None:
        self._http = httpx.Client(
            timeout=PERSON_WAITS.read_s,
            # A redirect would carry questions, and perhaps the key, elsewhere.
            follow_redirects=False,
            transport=_BoundedTransport(httpx.HTTPTransport()),
            headers={"accept-encoding": "identity"},
        )
        self._whop = Whop(
            environment=WhopEnvironment(api=base_url, vault=base_url),
            token=api_key.get_secret_value,
            max_retries=0,
            httpx_client=self._http,
        )
        self._breaker = Breaker(pause_s)

    def ask(
        self, question: Callable[[Whop, RequestOptions], T], patience: Patience
    ) -> T:
        """The answer; raises `MentoraError` for anything else."""
        if self._breaker.wait_s() > 0:
            raise TransientError("Whop: left alone, it did not answer a moment ago")
        options: RequestOptions = {"timeout": patience.read_s, "max_retries": 0}
        began = time.monotonic()
        attempt = 1
        while True:
            told = self._try(lambda: question(self._whop, options))
            if not isinstance(told, _Failed):
                self._breaker.answered()
                return told
            pause_s = max(told.wait_s, patience.pause_s * 2 ** (attempt - 1))
            spent_s = time.monotonic() - began + pause_s
            if (
                not isinstance(told.fault, TransientError)
                or attempt >= patience.attempts
                or spent_s >= patience.budget_s
            ):
                break
            time.sleep(pause_s)
            attempt += 1
        if told.is_away:
            self._breaker.failed()
        else:
            self._breaker.answered()
        # Outside of any handler, so that no error of the SDK's hangs on it.
        raise told.fault

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def _try(self, question: Callable[[], T]) -> "T | _Failed":
        try:
            return question()
        except Exception as error:  # noqa: BLE001  (the SDK lets any kind of error out)
            return _Failed(fault_of(error), is_away(error), wait_asked_for_s(error))


@dataclass(frozen=True, slots=True)
class _Failed:
    """A call that failed; `wait_s` is the pause in seconds that Whop asks for."""

    fault: MentoraError
    is_away: bool
    wait_s: float


class _BoundedTransport(httpx.BaseTransport):
    """Ends an answer that drips, or does not end: httpx bounds each silence alone."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body bounded."""
        timeouts: dict[str, float] = request.extensions.get("timeout", {})
        deadline = time.monotonic() + 2 * (timeouts.get("read") or PERSON_WAITS.read_s)
        answer = self._inner.handle_request(request)
        if not isinstance(answer.stream, httpx.SyncByteStream):
            raise httpx.ReadError("an asynchronous answer", request=request)
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_BoundedStream(answer.stream, deadline),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._inner.close()


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._inner:
            size += len(part)
            if size > MAX_BYTES:
                raise httpx.ReadError("too long")
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("too slow")
            yield part

    def close(self) -> None:
        self._inner.close()
