"""Connections to providers: short-lived, and to nowhere else."""

from typing import TYPE_CHECKING, TypedDict

from mentora_pipelines.adapters.provider_calls.faults import Fault, lost
from mentora_pipelines.errors import Absence

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


def lost_by(provider: str, cause: BaseException | None) -> Fault:
    """The fault of a request whose connection ended so; `cause` is of httpx2."""
    import httpx2

    if isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)):
        return lost(provider, Absence.CONNECTION, was_sent=False)
    timed_out = isinstance(cause, httpx2.TimeoutException)
    return lost(provider, Absence.TIMEOUT if timed_out else Absence.CONNECTION)
