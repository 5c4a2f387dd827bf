"""Servers that speak S3: SeaweedFS, which checks signatures, and moto, which tells."""

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.s3_storage.connection import (
    Bucket,
    make_client,
    open_bucket,
)
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.settings.storage import StorageSettings
from tests.fix_services import OURS
from tests.ports import free_ports
from tests.waiting import wait_until

BUCKET = "mentora-tests"

TICK_S = 0.02
"""Of a file system's clock at most, by which a folder tells files of one size apart."""

_places = itertools.count(1)


class S3Server:
    """A server in a process of its own; `variables` lead our settings to it."""

    def __init__(self, command: list[str], folder: Path, port: int) -> None:
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint_url = f"http://127.0.0.1:{port}"
        self._bucket: Bucket | None = None
        self.requests = 0
        """Those that the storages of this server have sent."""
        self.access_key = "AKIATESTS"
        self.secret_key = secrets.token_hex(16)

    def variables(self, prefix: str = "", **more: str) -> dict[str, str]:
        """The settings of a storage in this server's bucket."""
        return {
            "MENTORA_STORAGE_URL": f"s3://{BUCKET}/{prefix}".rstrip("/"),
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            **more,
        }

    def start(self) -> None:
        """Start it, and wait until it takes an object."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdout=log, stderr=log
            )
        process, told = self._process, (self._folder / "log").read_text

        def answers() -> bool:
            assert process.poll() is None, told()
            return self._answers()

        def takes_an_object() -> bool:
            try:
                if not client.list_buckets()["Buckets"]:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
            except client.exceptions.ClientError:
                return False  # it answers before its volumes are there
            return True

        wait_until(answers, told=told)
        with closing(self.client()) as client:
            wait_until(takes_an_object, told=told)

    def client(self, service: Literal["s3", "sqs"] = "s3") -> Any:  # noqa: ANN401  (the SDK has no types)
        """The SDK's own client, as an operator has one."""
        return make_client(service, settings_of(self.variables()))

    def storage(self, prefix: str) -> S3Storage:
        """A part of the bucket as a storage."""
        return S3Storage(self.bucket(prefix))

    def bucket(self, prefix: str) -> Bucket:
        """A part of the bucket; all share a client, whose making takes long."""
        if self._bucket is None:
            self._bucket = open_bucket(settings_of(self.variables()))
            self._bucket.client.meta.events.register("before-send.s3", self._count)
        place = replace(self._bucket.place, prefix=f"{prefix}/")
        return Bucket(place, self._bucket.client, self._bucket.retry_s)

    def _count(self, **_: object) -> None:
        self.requests += 1

    def freeze(self) -> None:
        """Stop it as a debugger would: it accepts connections and says nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; what it has stored is there when it starts again."""
        if self._bucket is not None:
            self._bucket.close()
            self._bucket = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint_url, timeout=5).close()  # noqa: S310  (our own address)
        except urllib.error.HTTPError as refused:
            refused.close()
            return True
        except OSError:
            return False
        return True


def seaweed_server(folder: Path) -> S3Server:
    """SeaweedFS with one account, not yet started."""
    ports = free_ports(8)
    names = ("master", "volume", "filer", "s3")
    command = [
        str(Path(sys.executable).with_name("weed")),
        "server",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-dir={folder / 'volumes'}",
        "-volume.max=20",
        # One volume at a time, of a size that a small disk has.
        "-master.volumeSizeLimitMB=512",
        "-master.volumePreallocate=false",
        "-s3",
        "-s3.iam=false",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={folder / 's3.json'}",
    ]
    for name, port, grpc_port in zip(names, ports[:4], ports[4:], strict=True):
        command += [f"-{name}.port={port}", f"-{name}.port.grpc={grpc_port}"]
    server = S3Server(command, folder, ports[3])
    (folder / "volumes").mkdir()
    account = {
        "name": "tests",
        "credentials": [
            {"accessKey": server.access_key, "secretKey": server.secret_key}
        ],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [account]}))
    return server


def settings_of(variables: dict[str, str]) -> StorageSettings:
    """The settings that these variables, and no others, make."""
    with pytest.MonkeyPatch.context() as environment:
        for name in OURS:
            environment.delenv(name, raising=False)
        for name, value in variables.items():
            environment.setenv(name, value)
        return StorageSettings()


@contextmanager
def opened(variables: dict[str, str]) -> Iterator[S3Storage]:
    """The storage that these variables lead to."""
    storage = S3Storage(open_bucket(settings_of(variables)))
    yield storage
    storage.close()


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real object store that checks signatures: use a prefix each."""
    server = seaweed_server(tmp_path_factory.mktemp("seaweed"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """S3 and SQS in memory, with notifications; it checks no signature."""
    (port,) = free_ports(1)
    command = [
        str(Path(sys.executable).with_name("moto_server")),
        *("-H", "127.0.0.1", "-p", str(port)),
    ]
    server = S3Server(command, tmp_path_factory.mktemp("moto"), port)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def new_prefix() -> Callable[[], str]:
    """A part of a bucket that no other test uses."""
    return lambda: f"place-{next(_places)}/lessons"


@pytest.fixture
def new_storage(
    request: pytest.FixtureRequest, tmp_path: Path, new_prefix: Callable[[], str]
) -> Callable[[str], FolderStorage | S3Storage]:
    """Makes an empty storage of one kind: folder, seaweed or moto."""

    def make(kind: str) -> FolderStorage | S3Storage:
        if kind == "folder":
            folder = tmp_path / "storage"
            folder.mkdir()
            return FolderStorage(folder)
        server: S3Server = request.getfixturevalue(kind)
        return server.storage(new_prefix())

    return make


@pytest.fixture(params=["folder", "seaweed", "moto"])
def any_storage(
    request: pytest.FixtureRequest,
    new_storage: Callable[[str], FolderStorage | S3Storage],
) -> FolderStorage | S3Storage:
    """An empty storage of each kind."""
    return new_storage(request.param)


@pytest.fixture
def weed_storage(seaweed: S3Server, new_prefix: Callable[[], str]) -> S3Storage:
    """An empty storage in SeaweedFS."""
    return seaweed.storage(new_prefix())
