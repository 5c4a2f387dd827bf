"""Whether a server answers: a real connection with its real password.

A pid or an open port proves nothing: either may belong to a stranger by now.
"""

import socket

PROBE_TIMEOUT_S = 3
"""A local server answers in milliseconds; a stopped or hung one never does."""


def postgres_answers(url: str) -> bool:
    """Whether Postgres lets this role in, which includes its password."""
    import psycopg

    try:
        # The caller's PG* variables must not send this to another server, nor ask
        # for TLS or Kerberos on the loopback interface.
        with psycopg.connect(
            url,
            hostaddr="127.0.0.1",
            sslmode="disable",
            gssencmode="disable",
            connect_timeout=PROBE_TIMEOUT_S,
        ):
            return True
    except psycopg.OperationalError:
        return False


def valkey_answers(port: int, password: str) -> bool:
    """Whether Valkey lets us in with this password.

    Asked in its own protocol: importing the client library takes half a second, which
    every command would pay and the supervisor needs for nothing else.
    """
    try:
        with (
            socket.create_connection(("127.0.0.1", port), PROBE_TIMEOUT_S) as server,
            server.makefile("rwb") as conversation,
        ):
            conversation.write(f"AUTH {password}\r\nPING\r\n".encode())
            conversation.flush()
            replies = [conversation.readline(), conversation.readline()]
    except OSError:
        return False
    return replies == [b"+OK\r\n", b"+PONG\r\n"]
