"""Retry-After: how long a service asks to be left alone (RFC 9110, 10.2.3).

Not here: how much of that anybody waits.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds that an answer asks to wait; 0 when it does not say.

    The names of `headers` are in lower case, or found in any.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit_s
        except ValueError:
            seconds = _until(value)
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    return 0.0


def _until(value: str) -> float:
    """Seconds until an HTTP date."""
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return math.nan
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - datetime.now(UTC)).total_seconds()
