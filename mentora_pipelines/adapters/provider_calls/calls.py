"""Calls: one bounded way to ask a provider, booked request by request.

Here belong the repeats, their deadline, and the order of pace, breaker and ledger. Not
here: what is asked, or what an SDK raises.
"""

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from mentora_pipelines.adapters.breaker import Breaker
from mentora_pipelines.adapters.provider_calls.clock import Clock, SystemClock
from mentora_pipelines.adapters.provider_calls.faults import Fault, Spent
from mentora_pipelines.adapters.provider_calls.pace import Pace
from mentora_pipelines.domain.spending.usage import (
    Payer,
    PlannedCall,
    Unit,
    UsageLedger,
    UsageLedgers,
)
from mentora_pipelines.errors import (
    Absence,
    MentoraError,
    ProviderAway,
    ProviderRefused,
    Refusal,
    SettingsError,
)
from mentora_pipelines.observability.timers import measured

if TYPE_CHECKING:
    from tenacity import RetryCallState

DEADLINE_S = 60.0
"""No repeat begins later than this after the first request."""

ATTEMPTS = 5

MALFORMED_ATTEMPTS = 2
"""Answers that cannot be used are paid for: one of them is taken for an accident."""

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 16.0
"""Waits double, each cut by up to a half by chance, so that callers do not come back
together."""

JITTER = 0.25
"""Share of a wait that the provider asked for, added by chance."""

LONGEST_QUEUE_S = 600.0
"""A request that would wait longer for its turn is left for later."""

_log = logging.getLogger(__name__)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """What came back, and what the provider says that it used up."""

    value: Value
    spent: Spent


class ProviderCalls:
    """Asks one provider; what is shared between threads is the pace and the breaker."""

    def __init__(
        self,
        provider: str,
        *,
        pace: Pace,
        breaker: Breaker,
        ledgers: UsageLedgers,
        clock: Clock | None = None,
    ) -> None:
        self._provider = provider
        self._pace = pace
        self._breaker = breaker
        self._ledgers = ledgers
        self._clock = clock or SystemClock()

    def check(self, payer: Payer, calls: list[PlannedCall]) -> None:
        """Raise `OverBudget` when the payer cannot afford all of these together."""
        self._ledgers.of(payer.creator_id).check(calls)

    def hold(
        self, payer: Payer, calls: Sequence[PlannedCall]
    ) -> AbstractContextManager[None]:
        """While it lasts, what these take is set aside; raises `OverBudget`."""
        return self._ledgers.of(payer.creator_id).hold(calls)

    @measured("provider")
    def send(
        self, payer: Payer, call: PlannedCall, ask: Callable[[], Answer[Value]]
    ) -> Value:
        """What `ask` answers, which makes one request and raises `Fault`.

        A request is repeated as it is: nothing is cut smaller. Raises `ProviderAway`
        after the last repeat, or when a repeat would have to queue beyond the deadline,
        `ProviderRefused` and `OverBudget` at once.
        """
        from tenacity import Retrying

        ledger = self._ledgers.of(payer.creator_id)
        self._queue(ledger, call, LONGEST_QUEUE_S)
        started = self._clock.now()
        malformed = 0

        def is_last(state: "RetryCallState") -> bool:
            waited_s = self._clock.now() - started + state.upcoming_sleep
            return state.attempt_number >= ATTEMPTS or waited_s > DEADLINE_S

        def queue_again(state: "RetryCallState") -> None:
            if state.attempt_number > 1:
                left_s = started + DEADLINE_S - self._clock.now()
                self._queue(ledger, call, max(0.0, left_s))

        def is_repeated(state: "RetryCallState") -> bool:
            nonlocal malformed
            fault = state.outcome.exception() if state.outcome else None
            if not isinstance(fault, ProviderAway):
                return False
            malformed += fault.reason is Absence.MALFORMED
            paused = fault.reason is Absence.PAUSED
            return not paused and malformed < MALFORMED_ATTEMPTS

        repeated = Retrying(
            sleep=self._clock.sleep,
            retry=is_repeated,
            wait=_wait_s,
            stop=is_last,
            before=queue_again,
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            value: Value = repeated(self._attempt, ledger, call, ask)
            return value
        except ProviderAway as error:
            if malformed >= MALFORMED_ATTEMPTS:
                raise ProviderRefused(
                    self._provider, Refusal.ANSWER, str(error)
                ) from None
            # Whoever repeats the whole step does so when it may be asked again.
            error.wait_s = max(error.wait_s, self._breaker.closed_s())
            raise

    def _attempt(
        self, ledger: UsageLedger, call: PlannedCall, ask: Callable[[], Answer[Value]]
    ) -> Value:
        self._keep_away(self._breaker.closed_s())
        usage_id = ledger.reserve(call)
        try:
            # The one try after a pause is for a call that somebody can pay for.
            self._keep_away(self._breaker.wait_s())
        except ProviderAway:
            _book(lambda: ledger.fail(usage_id))
            raise
        try:
            answer = ask()
        except Fault as fault:
            spent = Spent(call.input_units) if fault.spent is None else fault.spent
            _book(lambda: ledger.fail(usage_id, spent.input_units, spent.output_units))
            if fault.is_outage:
                self._breaker.failed()
            else:
                self._breaker.answered()
            # Without the chain: what lies beneath holds headers and bodies.
            raise fault.error from None
        except SettingsError:
            _book(lambda: ledger.fail(usage_id))  # nothing was sent
            raise
        self._breaker.answered()
        spent = answer.spent
        _book(lambda: ledger.settle(usage_id, spent.input_units, spent.output_units))
        return answer.value

    def _keep_away(self, pause_s: float) -> None:
        if pause_s > 0:
            raise ProviderAway(self._provider, Absence.PAUSED, wait_s=pause_s)

    def _queue(self, ledger: UsageLedger, call: PlannedCall, longest_s: float) -> None:
        """Wait for the turn of a request that has a chance: it takes that of others."""
        self._keep_away(self._breaker.closed_s())
        ledger.check([call])
        tokens = call.input_units if call.unit is Unit.TOKENS else 0.0
        wait_s = self._pace.wait_s(tokens, longest_s)
        if wait_s > longest_s:
            raise ProviderAway(
                self._provider,
                Absence.RATE_LIMITED,
                "by our own limit a minute",
                wait_s=wait_s - longest_s,
            )
        if wait_s > 0:
            self._clock.sleep(wait_s)

    def _tell(self, state: "RetryCallState") -> None:
        error = state.outcome.exception() if state.outcome else None
        _log.warning("%s; asked again in %.1f s", error, state.upcoming_sleep)


def _wait_s(state: "RetryCallState") -> float:
    """Seconds before the next attempt: what was asked for, or more each time."""
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.wait_s if isinstance(error, ProviderAway) else 0.0
    if asked_s > 0:
        return asked_s * (1 + JITTER * random.random())  # noqa: S311  (no secret)
    doubled_s = FIRST_WAIT_S * 2.0 ** (state.attempt_number - 1)
    share = random.uniform(0.5, 1.0)  # noqa: S311  (no secret)
    return min(LONGEST_WAIT_S, doubled_s) * share


def _book(entry: Callable[[], None]) -> None:
    """Book what a request came to.

    An answer that was paid for is not thrown away because it cannot be booked: its row
    keeps the bound that was reserved.
    """
    try:
        entry()
    except MentoraError as error:
        _log.warning("a call stays booked at its bound: %s", error)
