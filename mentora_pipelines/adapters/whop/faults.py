"""What an error of the SDK's means, in our words.

Here belongs the translation. Not here: whether a call is repeated (`calls`). No text
of Whop's or of the SDK's is told: its errors print headers and bodies, with names and
mail addresses in them.
"""

import httpx
from whop_sdk.core.api_error import ApiError
from whop_sdk.core.parse_error import ParsingError

from mentora_pipelines.adapters.retry_after import retry_after_s
from mentora_pipelines.errors import (
    MentoraError,
    NotFound,
    PermanentError,
    SettingsError,
    TransientError,
)

PASSING = frozenset({408, 409, 425, 429})
"""Refusals that another try may not meet; so may all from 500 on."""


def fault_of(error: Exception) -> MentoraError:
    """The error to raise instead; the SDK raises more than its own kinds."""
    match error:
        case MentoraError():
            return error
        case ApiError(status_code=int(status)):
            return _refusal(status)
        case ParsingError():
            return TransientError("Whop: an answer of another shape than the SDK knows")
        case httpx.TimeoutException():
            return TransientError("Whop: no answer in time")
        case httpx.TransportError():
            return TransientError(f"Whop: {type(error).__name__}")
        case _:
            # A body that is no text, nested without end, …: that is not a no.
            return TransientError(f"Whop: {type(error).__name__} in an answer")


def is_away(error: Exception) -> bool:
    """Whether the next call would meet the same: no answer, overload."""
    if isinstance(error, ApiError):
        status = error.status_code or 0
        return status == 429 or status >= 500
    return isinstance(error, httpx.TransportError)


def wait_asked_for_s(error: Exception) -> float:
    """Seconds that a refusal asks to wait; 0 when it does not say."""
    if not isinstance(error, ApiError):
        return 0.0
    headers = error.headers or {}
    return retry_after_s({name.lower(): value for name, value in headers.items()})


def _refusal(status: int) -> MentoraError:
    if status < 300:
        return TransientError("Whop: an answer that is no JSON")
    if status == 401:
        return SettingsError("WHOP_API_KEY: Whop refuses the key (401)")
    if status == 403:
        return PermanentError("Whop: the key may not ask this (403)")
    if status == 404:
        return NotFound("Whop: there is none, or the key may not see it (404)")
    if status in PASSING or status >= 500:
        return TransientError(f"Whop: {status}")
    return PermanentError(f"Whop: refused ({status})")
