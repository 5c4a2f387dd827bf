"""Connections to providers: short-lived, and to nowhere else."""

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from httpx2 import Limits, Timeout

CONNECT_TIMEOUT_S = 5.0


class Connection(TypedDict):
    """What an SDK's HTTP client is made with."""

    timeout: "Timeout"
    limits: "Limits"
    follow_redirects: bool


def connection(silence_timeout_s: float) -> Connection:
    """A connection for each request, given up when nothing comes for so long.

    Requests are few and long. One that waits for the next is closed by the other side
    at some moment, and the request that meets this is lost. Redirects are not followed:
    a key goes to the address that was set.
    """
    from httpx2 import Limits, Timeout

    return Connection(
        timeout=Timeout(silence_timeout_s, connect=CONNECT_TIMEOUT_S),
        limits=Limits(max_keepalive_connections=0),
        follow_redirects=False,
    )
