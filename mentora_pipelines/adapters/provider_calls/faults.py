"""Faults: what went wrong with one request, sorted by what to do and what it cost.

Here belongs the meaning of status codes, error codes and lost connections, for all
providers alike. Not here: the exceptions of an SDK (each client translates its own),
or how often something is repeated (`calls`).

A text that a server sends is never repeated: it may quote a key or a transcript.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mentora_pipelines.adapters.retry_after import retry_after_s
from mentora_pipelines.errors import Absence, ProviderAway, ProviderRefused, Refusal

RETRY_AFTER_CAP_S = 20.0
"""A provider may ask for a day; a minute of repeats has room for three such waits."""

_QUOTA = ("quota", "billing", "spend_limit", "on_hold", "deactivated")
_POLICY = ("policy", "content_filter", "safety", "moderation")
_CODE = re.compile(r"[a-z0-9_.-]{1,64}")

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What an error event amounts to that comes after a stream has begun with 200."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Units that a request has used up."""

    input_units: float
    output_units: float = 0.0


NOTHING = Spent(0.0)


class Fault(Exception):
    """One request failed; `spent` is None when nobody knows what it has cost."""

    def __init__(
        self, error: ProviderRefused | ProviderAway, spent: Spent | None
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.spent = spent

    @property
    def is_outage(self) -> bool:
        """Whether the provider is down, as far as this request can tell.

        One that limits us, or answers nonsense, is there.
        """
        return isinstance(self.error, ProviderAway) and self.error.reason in (
            Absence.OVERLOADED,
            Absence.SERVER_ERROR,
            Absence.TIMEOUT,
            Absence.CONNECTION,
        )


def lost(provider: str, reason: Absence, *, was_sent: bool = True) -> Fault:
    """The connection was not made, broke, or brought nothing in time."""
    return Fault(ProviderAway(provider, reason), None if was_sent else NOTHING)


def malformed(provider: str, detail: str, spent: Spent | None = None) -> Fault:
    """The answer cannot be read, or breaks off; asking again may help."""
    return Fault(ProviderAway(provider, Absence.MALFORMED, detail), spent)


def refused(
    provider: str, reason: Refusal, detail: str, spent: Spent = NOTHING
) -> Fault:
    """The answer is a no, or one that asking again would not change."""
    return Fault(ProviderRefused(provider, reason, detail), spent)


def of_status(
    provider: str, status: int, headers: Mapping[str, str], codes: Iterable[object]
) -> Fault:
    """An answer that is an error.

    `codes` are what its body says beside the text: code, type. A status below 300 comes
    with an error inside a stream.
    """
    known = [code for code in codes if isinstance(code, str) and _CODE.fullmatch(code)]
    if status < 300:
        status = next(
            (_STATUS_OF_TYPE[code] for code in known if code in _STATUS_OF_TYPE), 500
        )
    detail = " ".join((f"status {status}", *dict.fromkeys(known)))
    refusal = _refusal(status, known)
    if refusal is not None:
        return refused(provider, refusal, detail)
    reason = {
        408: Absence.TIMEOUT,
        429: Absence.RATE_LIMITED,
        503: Absence.OVERLOADED,
        504: Absence.TIMEOUT,
        529: Absence.OVERLOADED,
    }.get(status, Absence.SERVER_ERROR)
    wait_s = min(retry_after_s(headers), RETRY_AFTER_CAP_S)
    away = ProviderAway(provider, reason, detail, wait_s=wait_s)
    return Fault(away, NOTHING)


def _refusal(status: int, codes: Iterable[str]) -> Refusal | None:
    """Why it is a no for good; None when asking again may help."""
    said = " ".join(codes)
    if status == 402 or any(word in said for word in _QUOTA):
        return Refusal.QUOTA
    if status in (401, 403):
        return Refusal.KEY
    if any(word in said for word in _POLICY):
        return Refusal.POLICY
    if status == 404 or "model_not_found" in said:
        return Refusal.MODEL
    if status in (408, 409, 425, 429) or status >= 500:
        return None
    return Refusal.REQUEST
