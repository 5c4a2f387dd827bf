"""Signed links: until when one may be used, as it says itself.

Here belong the parameters of the stores that sign links. Not here: signing.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

EXPIRY_WORDS = (b"expired", b"ExpiredToken")
"""What S3, R2, Google and Azure say in the body of a refusal."""


def expires_at(url: str) -> datetime | None:
    """When a signed link ends, or None for one that does not say.

    S3 and R2 (signature 4: `X-Amz-Date` and `X-Amz-Expires`, signature 2: `Expires`),
    Google (`X-Goog-…`), CloudFront (`Expires`) and Azure (`se`).
    """
    try:
        query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
        for maker in ("x-amz", "x-goog"):
            if f"{maker}-date" in query and f"{maker}-expires" in query:
                signed = datetime.strptime(query[f"{maker}-date"], "%Y%m%dT%H%M%S%z")
                seconds = int(query[f"{maker}-expires"])
                return signed + timedelta(seconds=seconds)
        if "expires" in query:
            return datetime.fromtimestamp(int(query["expires"]), UTC)
        if "se" in query and "sig" in query:
            end = datetime.fromisoformat(query["se"])
            return end if end.tzinfo else end.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def says_expired(url: str, status: int, body: bytes, now: datetime) -> bool:
    """Whether a refusal is that of a link whose time is over.

    `body` is the beginning of the answer's. Stores refuse with 400, 401 or 403,
    whatever the reason, and content networks with 410.
    """
    if status not in (400, 401, 403, 410):
        return False
    end = expires_at(url)
    if end is None:
        return False
    return end <= now or any(word in body for word in EXPIRY_WORDS)
