"""A server that gives one answer to everything, perhaps byte by byte."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Odd:
    """Where it is, and how often it was asked."""

    url: str
    asked: int = 0


@contextmanager
def odd_server(
    answer: bytes, *, content_type: str = "application/json", pause_s: float = 0.0
) -> Iterator[Odd]:
    """A running server; with `pause_s` each byte waits so long."""
    odd = Odd("")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

        def do_POST(self) -> None:
            """The answer."""
            odd.asked += 1
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            pieces = [answer] if not pause_s else [bytes([b]) for b in answer]
            with suppress(OSError):  # the client has gone
                for piece in pieces:
                    self.wfile.write(piece)
                    time.sleep(pause_s)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        odd.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield odd
        finally:
            http.shutdown()
            thread.join()
