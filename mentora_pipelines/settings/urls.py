"""Addresses as settings hold them: what is refused, and what is this machine."""

import ipaddress
from urllib.parse import urlsplit


def web_url(url: str) -> str:
    """An address of the web without a slash at its end, or `ValueError`."""
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not url.isprintable()
        or " " in url
    ):
        raise ValueError("must be https://HOST or https://HOST/PATH")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
