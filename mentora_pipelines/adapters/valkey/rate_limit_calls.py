"""Rate limits as a server is asked about them, and what holds while it is silent.

Here belong the keys, the words of `rate_limits.lua` and the account of calls that were
decided without it. Not here: connections; one file each asks with and without threads.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from mentora_pipelines.adapters.valkey.connection import LuaScript
from mentora_pipelines.domain.rate_limits.limits import (
    Count,
    Decision,
    Demand,
    Limiter,
    Outage,
    Usage,
    checked_demands,
    decide,
    decide_blindly,
)
from mentora_pipelines.errors import TransientError

KEPT_DAYS = 8
"""Today and the week before it: at most 24 fields a limiter."""

LOG_EVERY_S = 10.0
"""A limiter that cannot count says so when it begins, then as often as this."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

logger = logging.getLogger(__name__)


@cache
def rate_limit_script() -> LuaScript:
    """The script that counts; read at first use."""
    path = Path(__file__).with_name("rate_limits.lua")
    return LuaScript(path.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Call:
    """One run of the script: its words, and what it tells of earlier calls."""

    demands: Sequence[Demand]
    keys: list[str]
    arguments: list[str | int]
    untold: dict[str, int]


@dataclass(slots=True)
class _Silence:
    """How a limiter fares without the server; `untold` calls are owed to its usage."""

    untold: int = 0
    unlogged: int = 0
    next_log: float = 0.0
    is_silent: bool = False


@dataclass(slots=True)
class RateLimitCalls:
    """The calls of one process; safe for threads.

    `prefix` comes before each key, so that environments may share a server.
    """

    prefix: str = ""
    _silences: dict[str, _Silence] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hit(self, demands: Sequence[Demand]) -> Call:
        """Ask to count a call; raises `InvalidInput` for impossible demands."""
        with self._lock:
            untold = {
                demand.limiter.name: silence.untold
                for demand in checked_demands(demands)
                if (silence := self._silences.get(demand.limiter.name))
            }
            for name in untold:
                self._silences[name].untold = 0
        return self._call("hit", demands, untold)

    def peek(self, demand: Demand) -> Call:
        """Ask whether a call would be allowed, and count nothing."""
        return self._call("peek", [demand], {})

    def usage_key(self, limiter: Limiter) -> str:
        """The hash of a limiter's figures: `{day since 1970}:{outcome}`."""
        return f"{self.prefix}ratelimit-usage:{limiter.name}"

    def answered(self, call: Call, reply: Sequence[int]) -> Decision:
        """The decision in the script's reply."""
        for demand in call.demands:
            # Nearly always None: a limiter that was never silent takes no lock.
            silence = self._silences.get(demand.limiter.name)
            if silence is not None and silence.is_silent:
                self._log_return(demand.limiter, silence)
        now, counts = _read(reply)
        return decide(call.demands, counts, now)

    def unanswered(self, call: Call, error: TransientError) -> Decision:
        """The outage policy's decision, logged and kept for the usage."""
        self.abandoned(call)
        limiters = [demand.limiter for demand in call.demands]
        for limiter in {each.name: each for each in limiters}.values():
            self._log_silence(limiter, error)
        return decide_blindly(limiters, datetime.now(UTC))

    def abandoned(self, call: Call) -> None:
        """Nobody waits for the answer: what it told may not have arrived."""
        with self._lock:
            for name, untold in call.untold.items():
                self._silences[name].untold += untold

    def waited(self, call: Call, reply: Sequence[int]) -> float:
        """Seconds until the call of a `peek` would be allowed."""
        now, counts = _read(reply)
        decision = decide(call.demands, counts, now)
        return 0.0 if decision.allowed else (decision.reset - now).total_seconds()

    def _call(
        self, word: str, demands: Sequence[Demand], untold: dict[str, int]
    ) -> Call:
        keys = [
            f"{self.prefix}ratelimit:{demand.limiter.name}:{demand.identity.id}"
            for demand in demands
        ]
        arguments: list[str | int] = [word, KEPT_DAYS]
        told = dict(untold)
        for demand in demands:
            limiter = demand.limiter
            arguments += [
                limiter.limit,
                limiter.window_s * 1_000_000,
                limiter.window,
                # A limiter with two identities tells its account once.
                told.pop(limiter.name, 0),
            ]
        usage = [self.usage_key(demand.limiter) for demand in demands]
        return Call(demands, keys + usage, arguments, untold)

    def _log_silence(self, limiter: Limiter, error: TransientError) -> None:
        with self._lock:
            silence = self._silences.setdefault(limiter.name, _Silence())
            silence.is_silent = True
            silence.untold += 1
            silence.unlogged += 1
            if time.monotonic() < silence.next_log:
                return
            silence.next_log = time.monotonic() + LOG_EVERY_S
            calls, silence.unlogged = silence.unlogged, 0
        logger.warning(
            "rate limiter %s cannot count, %s: %s (%d calls since the last message)",
            limiter.name,
            "all are refused"
            if limiter.on_outage is Outage.CLOSED
            else "all are allowed",
            error,
            calls,
        )

    def _log_return(self, limiter: Limiter, silence: _Silence) -> None:
        with self._lock:
            if not silence.is_silent:
                return
            silence.is_silent = False
            silence.unlogged = 0
            silence.next_log = 0.0
        logger.warning("rate limiter %s counts again", limiter.name)


def read_usage(
    limiter: Limiter, fields: dict[bytes, bytes], *, today: int, days: int
) -> Usage:
    """Add up the last `days` days of a limiter's hash; `today` in days since 1970."""
    totals = {"allowed": 0, "refused": 0, "degraded": 0}
    for name, calls in fields.items():
        day, _, outcome = name.decode().partition(":")
        if 0 <= today - int(day) < days:
            totals[outcome] += int(calls)
    return Usage(limiter.name, **totals)


def _read(reply: Sequence[int]) -> tuple[datetime, list[Count]]:
    _, now, *rest = reply
    counts = [
        Count(used, _moment(frees_at))
        for used, frees_at in zip(rest[::2], rest[1::2], strict=True)
    ]
    return _moment(now), counts


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
