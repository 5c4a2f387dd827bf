"""How long an answer asks us to wait before we ask again.

Here belongs the header Retry-After. Not here: whether we wait (`prober`).
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mentora_pipelines.adapters.http_probe.exchanges import Answer

DEFAULT_PAUSE_S = 1.0


def pause_s(answer: Answer) -> float:
    """Seconds; a malformed wish is the default."""
    wish = answer.headers.get("retry-after")
    if wish is None:
        # A server that fails without a wish is not asked again.
        return DEFAULT_PAUSE_S if answer.status == 429 else float("inf")
    if re.fullmatch("[0-9]{1,9}", wish):
        return float(wish)
    try:
        at = parsedate_to_datetime(wish)
    except (ValueError, OverflowError):
        return DEFAULT_PAUSE_S
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)
