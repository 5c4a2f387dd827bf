"""What a look into a bucket costs, and leaves behind."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from mentora_pipelines.adapters.s3_storage.connection import sdk_session
from mentora_pipelines.errors import PermanentError
from resources.storage import StorageResource

ROLE = {
    "AccessKeyId": "key",
    "SecretAccessKey": "secret",
    "Token": "token",
    "Expiration": "2099-01-01T00:00:00Z",
}


class EmptyBucket(BaseHTTPRequestHandler):
    """A store that holds nothing, on a machine that has a role."""

    protocol_version = "HTTP/1.1"
    asked_for_role: list[str]
    valid_key = ""
    """Begins the access keys that it takes."""
    ended: threading.Semaphore
    """One for each connection to the bucket that was closed."""
    _is_bucket = False

    def do_GET(self) -> None:
        """The role's keys."""
        self.asked_for_role.append(self.path)
        body = json.dumps(ROLE).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        """Nothing is there."""
        self._is_bucket = True
        is_valid = f"Credential={self.valid_key}" in self.headers["Authorization"]
        self.send_response(404 if is_valid else 403)
        self.end_headers()

    def finish(self) -> None:
        """The connection ends."""
        super().finish()
        if self._is_bucket:
            self.ended.release()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (theirs)
        """Say nothing."""


@pytest.fixture
def bucket(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[EmptyBucket]]:
    """One that the settings lead to, with keys that only the role has."""
    assert home.is_dir(), "it has cleared the developer's own settings"

    class Asked(EmptyBucket):
        """That of one test."""

    Asked.asked_for_role, Asked.ended = [], threading.Semaphore(0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name, value in {
            "MENTORA_STORAGE_URL": "s3://bucket",
            "AWS_ENDPOINT_URL": address,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{address}/role",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_CONFIG_FILE": "/dev/null",
        }.items():
            monkeypatch.setenv(name, value)
        sdk_session.cache_clear()
        yield Asked
        sdk_session.cache_clear()
        server.shutdown()


def look() -> None:
    """One tick finds nothing."""
    context = dg.build_init_resource_context()
    with StorageResource().yield_for_execution(context) as storage:
        assert storage.stat("a") is None


def test_looks_share_a_role_and_leave_no_connection(bucket: type[EmptyBucket]) -> None:
    """Else a sensor that looks every five seconds asks for keys, and fills sockets."""
    for _ in range(2):
        look()
        assert bucket.ended.acquire(timeout=20)
    assert bucket.asked_for_role == ["/role"]


def test_keys_that_were_replaced_in_their_file_are_read_again(
    bucket: type[EmptyBucket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a rotation stops all looks until somebody restarts the code server."""
    keys = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))

    def rotate(key: str) -> None:
        text = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n"
        keys.write_text(text)
        bucket.valid_key = key

    rotate("first")
    look()
    rotate("second")
    with pytest.raises(PermanentError):
        look()
    look()
    assert bucket.asked_for_role == []
