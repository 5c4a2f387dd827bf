"""Rate limits: how often something may be done, the answer, and the ports.

Here belong the platform's five limiters and what a decision tells a caller. Not
here: who is limited (`identity.py`), counting, or HTTP.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from mentora_pipelines.domain.rate_limits.identity import Identity
from mentora_pipelines.errors import InvalidInput

MAX_LIMIT = 10_000
"""Each counted call is remembered with its time: 10 bytes, so 100 kB an identity."""

MAX_WINDOW_S = 86_400

MAX_DEMANDS = 8
"""Limits that one call can be subject to; user, creator and everyone are three."""

RETRY_S = 5
"""When to ask again, in seconds, where nobody could count: a restart takes less."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Window(StrEnum):
    """Which calls count together."""

    SLIDING = "sliding"
    """Those of any period of the window's length: never more than the limit in it."""
    FIXED = "fixed"
    """Those since the last whole multiple of the window's length, in UTC."""


class Outage(StrEnum):
    """What a limiter answers while nobody can count."""

    OPEN = "open"
    """Allowed: a lesson or a chat matters more than its limit."""
    CLOSED = "closed"
    """Refused: without the limit, passwords can be guessed."""


@dataclass(frozen=True, slots=True)
class Limiter:
    """At most `limit` calls of one identity in a window of `window_s` seconds.

    Raises `InvalidInput` for a name, limit or window outside its bounds.
    """

    name: str
    limit: int
    window_s: int
    window: Window
    on_outage: Outage = Outage.OPEN

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"a limiter's name is up to 40 of a-z, 0-9 and -: {self.name!r}"
            )
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidInput(f"{self.name}: the limit must be 1 to {MAX_LIMIT}")
        if not 1 <= self.window_s <= MAX_WINDOW_S:
            raise InvalidInput(f"{self.name}: the window must be 1 to {MAX_WINDOW_S} s")


CHAT = Limiter("chat", 20, 60, Window.SLIDING)
VIDEO_UPLOAD = Limiter("video-upload", 10, 3600, Window.FIXED)
QUIZ_GENERATION = Limiter("quiz-gen", 5, 3600, Window.FIXED)
"""For applications that refuse a request at their door. However many pass there, no
more quizzes than this are started in any hour (`domain/quizzes/turns`)."""

AUTH = Limiter("auth", 5, 300, Window.SLIDING, Outage.CLOSED)
API = Limiter("api", 100, 60, Window.SLIDING)

LIMITERS = (CHAT, VIDEO_UPLOAD, QUIZ_GENERATION, AUTH, API)
"""The specification's, by name and number."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One limit that a call is subject to."""

    limiter: Limiter
    identity: Identity


@dataclass(frozen=True, slots=True)
class Count:
    """What the counting server knows of one demand, before the call at hand.

    `used` calls count; `frees_at` is when the first of them stops to count (for a
    fixed window, when it ends).
    """

    used: int
    frees_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a call may go on, and what its caller is told.

    `remaining` further calls are sure to be allowed before `reset`, the moment from
    which more are; `retry_after` is the whole seconds until then, rounded up, and 0
    for an allowed call. Under several limits they are those of the tightest, which
    `limiter` names. `degraded`: nobody could count, this is the outage policy.
    """

    allowed: bool
    limiter: str
    limit: int
    remaining: int
    reset: datetime
    retry_after: int
    degraded: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that tell it; `Retry-After` only for a refused call."""
        told = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": iso_8601(self.reset),
        }
        if not self.allowed:
            told["Retry-After"] = str(self.retry_after)
        return told

    @property
    def body(self) -> dict[str, str]:
        """The JSON body of a refusal, with the specification's fields.

        `retryAfter` is the moment of `X-RateLimit-Reset`.
        """
        return {
            "error": (
                "Rate limit cannot be checked" if self.degraded else "Too many requests"
            ),
            "retryAfter": iso_8601(self.reset),
        }


def checked_demands(demands: Sequence[Demand]) -> Sequence[Demand]:
    """`demands` itself; raises `InvalidInput` when empty, too many or one twice."""
    if not 1 <= len(demands) <= MAX_DEMANDS:
        raise InvalidInput(f"a call has 1 to {MAX_DEMANDS} limits")
    places = {(demand.limiter.name, demand.identity) for demand in demands}
    if len(places) < len(demands):
        raise InvalidInput("a call has the same limit for the same identity twice")
    return demands


def decide(
    demands: Sequence[Demand], counts: Sequence[Count], now: datetime
) -> Decision:
    """The decision that follows from what was counted before the call.

    Allowed when every limit has room. Refused, the tightest limit is the one that
    keeps the caller longest; allowed, the one with the fewest calls left.
    """
    exhausted = [
        (demand, count)
        for demand, count in zip(demands, counts, strict=True)
        if count.used >= demand.limiter.limit
    ]
    if exhausted:
        demand, count = max(exhausted, key=lambda pair: pair[1].frees_at)
        return Decision(
            allowed=False,
            limiter=demand.limiter.name,
            limit=demand.limiter.limit,
            remaining=0,
            reset=count.frees_at,
            retry_after=whole_seconds(count.frees_at - now),
        )
    demand, count = min(
        zip(demands, counts, strict=True),
        key=lambda pair: pair[0].limiter.limit - pair[1].used,
    )
    return Decision(
        allowed=True,
        limiter=demand.limiter.name,
        limit=demand.limiter.limit,
        remaining=demand.limiter.limit - count.used - 1,
        reset=count.frees_at,
        retry_after=0,
    )


def decide_blindly(limiters: Sequence[Limiter], now: datetime) -> Decision:
    """The outage policy: refused when one of the limiters is closed.

    Nothing is promised beyond it (`remaining` is 0), and a refused caller is asked
    to come back in `RETRY_S` seconds, not after a window: nobody is locked out.
    """
    closed = [each for each in limiters if each.on_outage is Outage.CLOSED]
    limiter = (closed or limiters)[0]
    return Decision(
        allowed=not closed,
        limiter=limiter.name,
        limit=limiter.limit,
        remaining=0,
        reset=now + timedelta(seconds=RETRY_S),
        retry_after=RETRY_S if closed else 0,
        degraded=True,
    )


def whole_seconds(wait: timedelta) -> int:
    """Rounded up, at least 1: who waits as long is let in."""
    return max(1, math.ceil(wait / timedelta(seconds=1)))


def iso_8601(moment: datetime) -> str:
    """As JavaScript writes it, in UTC, rounded up to a millisecond."""
    whole, rest = divmod(moment.microsecond, 1000)
    shown = moment.astimezone(UTC).replace(microsecond=whole * 1000)
    if rest:
        shown += timedelta(milliseconds=1)
    return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Usage:
    """Calls of one limiter: `degraded` ones were decided without counting."""

    limiter: str
    allowed: int
    refused: int
    degraded: int


@runtime_checkable
class RateLimiter(Protocol):
    """Counts calls, for code that may wait for the server.

    No method raises for a server that is down, frozen or full: the limiter's outage
    policy decides, and the answer says `degraded`. `InvalidInput` is raised for
    demands that `checked_demands` refuses.
    """

    def hit(self, limiter: Limiter, identity: Identity) -> Decision:
        """Count one call, unless it is refused."""
        ...

    def hit_all(self, demands: Sequence[Demand]) -> Decision:
        """Count one call under several limits at once: under all, or under none."""
        ...

    def wait_s(self, limiter: Limiter, identity: Identity) -> float:
        """Seconds until a call would be allowed, 0 for now; counts nothing."""
        ...


@runtime_checkable
class AsyncRateLimiter(Protocol):
    """`RateLimiter` for an event loop, which it never blocks."""

    async def hit(self, limiter: Limiter, identity: Identity) -> Decision:
        """Count one call, unless it is refused."""
        ...

    async def hit_all(self, demands: Sequence[Demand]) -> Decision:
        """Count one call under several limits at once: under all, or under none."""
        ...


@runtime_checkable
class UsageReader(Protocol):
    """Tells how much each limiter was used."""

    def usage(self, limiters: Sequence[Limiter], *, days: int) -> list[Usage]:
        """Calls of each limiter in the last `days` UTC days, today included.

        Raises `TransientError` when the server does not answer.
        """
        ...
