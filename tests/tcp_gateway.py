"""A way to a server that a test may cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BLOCK_BYTES = 1 << 16


class TcpGateway:
    """Passes connections on to a port; `cut_after` bytes of answers it breaks one off.

    Each number in `cut_after` is used once, in order; without one it passes everything.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_after: list[int] = []
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint_url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for pump, ends in (
                (self._questions, (client, server)),
                (self._answers, (server, client)),
            ):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    def _questions(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while block := client.recv(BLOCK_BYTES):
                server.sendall(block)
        _end(client, server)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while block := server.recv(BLOCK_BYTES):
                if self.cut_after and passed + len(block) > self.cut_after[0]:
                    self.cut_after.pop(0)
                    self.cuts += 1
                    break
                passed += len(block)
                client.sendall(block)
        _end(client, server)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def tcp_gateway(port: int) -> Iterator[TcpGateway]:
    """A gateway to a port of this machine, closed at the end."""
    gateway = TcpGateway(port)
    yield gateway
    gateway.close()
