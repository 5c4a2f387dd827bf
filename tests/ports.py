"""Ports for servers of tests, below those that the system gives away by itself.

A port of the system's own choice may be given to a connection of somebody else before
the server that it was chosen for listens.
"""

import random
import socket

FIRST, LAST = 15_000, 30_000

_chosen: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, and that this process has not chosen before."""
    while True:
        port = random.SystemRandom().randrange(FIRST, LAST)
        if port in _chosen or not _is_free(port):
            continue
        _chosen.add(port)
        return port


def free_ports(count: int) -> list[int]:
    """Several of them."""
    return [free_port() for _ in range(count)]


def _is_free(port: int) -> bool:
    # Some servers listen on another port at a fixed distance, or on every address.
    for address in ("127.0.0.1", "127.0.0.2", "0.0.0.0"):  # noqa: S104  (no server)
        with socket.socket() as candidate:
            try:
                candidate.bind((address, port))
            except OSError:
                return False
    return True
