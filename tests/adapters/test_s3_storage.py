"""What only a bucket does: parts, lost connections, encryption, access."""

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest

from mentora_pipelines.adapters.private_folder import PREFIX, YOUNG_S
from mentora_pipelines.adapters.s3_storage.connection import open_bucket
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.adapters.s3_storage.writing import PART_BYTES
from mentora_pipelines.errors import (
    NotFound,
    ObjectChanged,
    PermanentError,
    SettingsError,
    TransientError,
)
from tests.fix_object_stores import BUCKET, S3Server, opened, settings_of
from tests.ports import free_ports
from tests.round_trips import memory_of_a_round_trip
from tests.storage_calls import read
from tests.tcp_gateway import TcpGateway, tcp_gateway

PARTS = b"0123456789abcdef" * (5 * PART_BYTES // 2 // 16)
"""Two parts and a half."""

HASTY = {"MENTORA_STORAGE_TIMEOUT_S": "0.6", "MENTORA_STORAGE_RETRY_S": "0.5"}
"""For what must fail alone: on a busy machine a good answer may take longer."""

PATIENT = {"MENTORA_STORAGE_TIMEOUT_S": "0.6", "MENTORA_STORAGE_RETRY_S": "60"}


@pytest.fixture
def gateway(seaweed: S3Server) -> Iterator[TcpGateway]:
    """A way to SeaweedFS that can be cut."""
    with tcp_gateway(int(seaweed.endpoint_url.rpartition(":")[2])) as made:
        yield made


@contextmanager
def thawed_after(server: S3Server, seconds: float) -> Iterator[None]:
    """Stop a server, and let it go on by itself."""
    server.freeze()
    timer = threading.Timer(seconds, server.thaw)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        server.thaw()


class FreezingStream(io.BytesIO):
    """A stream at whose second part something happens."""

    def __init__(self, content: bytes, happens: Callable[[], object]) -> None:
        super().__init__(content)
        self._happens: Callable[[], object] | None = happens

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes."""
        if self.tell() and self._happens is not None:
            self._happens()
            self._happens = None
        return super().read(size)


def test_a_long_stream_is_stored_in_parts_and_seen_when_it_is_whole(
    weed_storage: S3Storage,
) -> None:
    """Else half a video is processed, or a large one fills the memory."""
    seen: list[object] = []
    stream = FreezingStream(
        PARTS,
        lambda: seen.extend(
            [weed_storage.stat("a"), *weed_storage.list("", limit=9)]
            + [write.key for write in weed_storage.unfinished_writes(9)]
        ),
    )
    stored = weed_storage.put("a", stream)
    assert seen == [None, "a"]
    assert (stored.size, stored.etag[-2:]) == (len(PARTS), "-3")
    assert weed_storage.list("", limit=9) == [stored]
    assert read(weed_storage, "a") == PARTS
    assert weed_storage.unfinished_writes(9) == []


def test_a_long_stream_that_breaks_leaves_nothing(weed_storage: S3Storage) -> None:
    """Else parts that nobody sees are paid for, for ever."""
    weed_storage.put("a", io.BytesIO(b"old"))

    def cut() -> None:
        raise OSError("the connection broke")

    with pytest.raises(TransientError):
        weed_storage.put("a", FreezingStream(PARTS, cut))
    assert read(weed_storage, "a") == b"old"
    assert weed_storage.unfinished_writes(9) == []


def test_a_long_stream_whose_parts_vanish_is_worth_another_try(
    weed_storage: S3Storage,
) -> None:
    """Else a store that was cleaned up fails a lesson for good, and mails about it."""

    def abort() -> None:
        for write in weed_storage.unfinished_writes(9):
            weed_storage.discard(write)

    with pytest.raises(TransientError):
        weed_storage.put("a", FreezingStream(PARTS[:PART_BYTES], abort))
    assert weed_storage.list("", limit=9) == []


def test_a_copy_that_a_killed_worker_left_is_removed(weed_storage: S3Storage) -> None:
    """Else each killed recognition leaves a creator's voice, until the disk is full."""
    weed_storage.put("a", io.BytesIO(b"sound"))
    with weed_storage.local("a") as held:
        assert held.parent.name.startswith(PREFIX)
        left = held.parent.with_name(f"{PREFIX}{uuid4()}")
        left.mkdir()
        long_ago = time.time() - 2 * YOUNG_S
        for folder in (left, held.parent):
            os.utime(folder, (long_ago, long_ago))
        with weed_storage.local("a") as other:
            assert not left.exists()
            assert held.read_bytes() == other.read_bytes() == b"sound"
    assert not held.parent.exists()
    assert not other.parent.exists()


def test_what_a_killed_writer_left_is_found_and_removed(
    weed_storage: S3Storage, seaweed: S3Server
) -> None:
    """Else the parts of every crash stay, and no listing shows them."""
    prefix = weed_storage.address.removeprefix(f"s3://{BUCKET}/")
    client = seaweed.client()
    for key in ("a", "b"):
        client.create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}/uploads/{key}")
    client.create_multipart_upload(Bucket=BUCKET, Key="of-others/a")
    client.close()
    first, second = weed_storage.unfinished_writes(9)
    assert {first.key, second.key} == {"uploads/a", "uploads/b"}
    assert len(weed_storage.unfinished_writes(1)) == 1
    for _ in range(2):
        weed_storage.discard(first)
    assert weed_storage.unfinished_writes(9) == [second]


def test_a_read_goes_on_after_lost_connections(
    seaweed: S3Server, gateway: TcpGateway, new_prefix: Callable[[], str]
) -> None:
    """Else a network that stumbles fails every long lesson."""
    variables = seaweed.variables(
        new_prefix(), AWS_ENDPOINT_URL=gateway.endpoint_url, **PATIENT
    )
    with opened(variables) as storage:
        storage.put("a", io.BytesIO(PARTS))
        gateway.cut_after = [1 << 20, 9 << 20, 100]
        assert read(storage, "a") == PARTS
        with storage.local("a") as path:
            assert path.read_bytes() == PARTS
    assert gateway.cuts == 3


def test_a_read_that_goes_on_never_mixes_two_versions(
    seaweed: S3Server, gateway: TcpGateway, new_prefix: Callable[[], str]
) -> None:
    """Else a lesson begins with the old video and ends with the new one."""
    variables = seaweed.variables(
        new_prefix(), AWS_ENDPOINT_URL=gateway.endpoint_url, **PATIENT
    )
    with opened(variables) as storage:
        storage.put("a", io.BytesIO(PARTS))
        gateway.cut_after = [1 << 20]
        with storage.open("a") as stream:
            assert stream.read(1000) == PARTS[:1000]
            storage.put("a", io.BytesIO(b"new" * PART_BYTES))
            with pytest.raises(ObjectChanged):
                stream.read()
        gateway.cut_after = [1 << 20]
        with storage.open("a") as stream:
            stream.read(1000)
            storage.delete("a")
            with pytest.raises(ObjectChanged):
                stream.read()


def test_a_frozen_store_is_waited_for_and_everything_completes(
    seaweed: S3Server, new_prefix: Callable[[], str]
) -> None:
    """Else a restart of the store fails all lessons at work."""
    with opened(seaweed.variables(new_prefix(), **PATIENT)) as storage:
        freeze = thawed_after(seaweed, 1.5)
        storage.put("a", FreezingStream(PARTS, freeze.__enter__))
        freeze.__exit__(None, None, None)
        with storage.open("a") as stream:
            first = stream.read(1000)
            with thawed_after(seaweed, 1.5):
                assert first + stream.read() == PARTS
        assert storage.unfinished_writes(9) == []


def test_a_store_that_stays_away_ends_in_a_fault_and_shows_no_half(
    seaweed: S3Server, new_prefix: Callable[[], str]
) -> None:
    """Else a step hangs for ever, or a reader gets half an object."""
    prefix = new_prefix()
    calm = seaweed.storage(prefix)
    calm.put("a", io.BytesIO(b"old"))
    calm.put("b", io.BytesIO(PARTS))
    bucket = open_bucket(settings_of(seaweed.variables(prefix, **PATIENT)))

    def freeze() -> None:
        # Until then a good answer may take long on a busy machine.
        bucket.retry_s = 0.5
        seaweed.freeze()

    with closing(S3Storage(bucket)) as storage, storage.open("b") as stream:
        stream.read(1000)
        try:
            with pytest.raises(TransientError):
                storage.put("a", FreezingStream(PARTS, freeze))
            for asked in (
                lambda: storage.list("", limit=1),
                lambda: storage.delete("a"),
                stream.read,
            ):
                with pytest.raises(TransientError):
                    asked()
        finally:
            seaweed.thaw()
    # The delete whose answer was lost is done about now, or was before, or never is.
    with suppress(NotFound, ObjectChanged):
        assert read(calm, "a") == b"old"


class Stumbling(BaseHTTPRequestHandler):
    """A store that says 503 before it says what it knows: nothing."""

    answers: list[int]

    def do_HEAD(self) -> None:
        """The next answer."""
        self.send_response(self.answers.pop(0))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (theirs)
        """Say nothing."""


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([503, 500, 429, 404], None),
        ([403], PermanentError),
        # The SDK asks the bucket for its region after a 400 without a body.
        ([400, 400], PermanentError),
        ([503] * 50, TransientError),
    ],
)
def test_what_passes_is_asked_again_and_what_is_refused_is_not(
    answers: list[int], says: type[Exception] | None
) -> None:
    """Else an overloaded store fails a lesson, or a wrong key is tried for a minute."""

    class Told(Stumbling):
        """One that has these answers."""

    Told.answers = list(answers)
    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = {
            "MENTORA_STORAGE_URL": "s3://bucket",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            # Time enough for four answers, or for giving up.
            "MENTORA_STORAGE_RETRY_S": "30" if says is None else "1.5",
        }
        with opened(variables) as storage:
            if says is None:
                assert storage.stat("a") is None
            else:
                with pytest.raises(says):
                    storage.stat("a")
        server.shutdown()
    left = len(Told.answers)
    assert left == 0 if says is not TransientError else 0 < left < 48


def test_a_wrong_key_is_refused_without_a_secret(seaweed: S3Server) -> None:
    """Else a wrong password is tried for a minute, and stands in a log."""
    wrong = "not-the-secret-key"
    with (
        opened(seaweed.variables(AWS_SECRET_ACCESS_KEY=wrong)) as storage,
        pytest.raises(PermanentError) as refused,
    ):
        storage.list("", limit=1)
    assert "SignatureDoesNotMatch" in str(refused.value)
    for secret in (wrong, seaweed.secret_key, seaweed.access_key):
        assert secret not in str(refused.value)


def test_a_missing_bucket_is_named_and_a_dead_port_is_a_fault(
    seaweed: S3Server,
) -> None:
    """Else a typing error in a setting looks like an empty storage."""
    missing = seaweed.variables(MENTORA_STORAGE_URL="s3://not-there")
    with (
        opened(missing) as storage,
        pytest.raises(PermanentError, match="NoSuchBucket"),
    ):
        storage.check()
    (port,) = free_ports(1)
    dead = seaweed.variables(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}", **HASTY)
    with opened(dead) as storage, pytest.raises(TransientError):
        storage.check()


def test_no_credentials_anywhere_is_a_fault_of_the_settings(
    seaweed: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a machine without a role retries for a minute and says nothing of use."""
    variables = seaweed.variables()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del variables[name]
        monkeypatch.delenv(name, raising=False)
    # The SDK would ask the network and the home folder for a role.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with opened(variables) as storage, pytest.raises(SettingsError, match="AWS_ACCESS"):
        storage.stat("a")


@pytest.mark.parametrize("size", [3, PART_BYTES + 1])
def test_objects_are_encrypted_as_the_settings_say(
    moto: S3Server, new_prefix: Callable[[], str], size: int
) -> None:
    """Else lessons lie in the clear although somebody has asked for more."""
    prefix = new_prefix()
    kms = {"MENTORA_STORAGE_ENCRYPTION": "aws:kms", "MENTORA_STORAGE_KMS_KEY_ID": "k1"}
    client = moto.client()
    for settings in ({"MENTORA_STORAGE_ENCRYPTION": "AES256"}, kms):
        with opened(moto.variables(prefix, **settings)) as storage:
            storage.put("a.mp4", io.BytesIO(b"x" * size))
            wanted = settings["MENTORA_STORAGE_ENCRYPTION"]
            assert f"encrypted ({wanted})" in storage.check()
        found = client.head_object(Bucket=BUCKET, Key=f"{prefix}/a.mp4")
        assert found["ServerSideEncryption"] == wanted
    assert found["SSEKMSKeyId"] == "k1"
    client.close()


def test_readers_are_told_what_an_object_is_and_how_long_it_stays(
    weed_storage: S3Storage, seaweed: S3Server
) -> None:
    """Else captions are downloaded instead of shown, or a report of yesterday stays."""
    immutable, fresh = "private, max-age=31536000, immutable", "private, no-cache"
    expected = {
        f"captions/{'a' * 64}.en.vtt": ("text/vtt; charset=utf-8", immutable),
        f"audio/{'a' * 64}/pyav.flac": ("audio/flac", immutable),
        f"reports/metrics/2026-11-01/platform.{'a' * 64}.html": (
            "text/html; charset=utf-8",
            immutable,
        ),
        "reports/metrics/2026-11-01/platform.html": ("text/html; charset=utf-8", fresh),
        "uploads/2026-11-01/ada@x.org/a.MP4": ("video/mp4", fresh),
        # A page or a script that a creator uploads is not run by a browser.
        "uploads/2026-11-01/ada@x.org/a.html": ("binary/octet-stream", fresh),
        "uploads/2026-11-01/ada@x.org/a.svg": ("binary/octet-stream", fresh),
    }
    prefix = weed_storage.address.removeprefix(f"s3://{BUCKET}/")
    client = seaweed.client()
    for key, (content_type, cache_control) in expected.items():
        weed_storage.put(key, io.BytesIO(b"x"))
        found = client.head_object(Bucket=BUCKET, Key=f"{prefix}/{key}")
        assert (found["ContentType"], found["CacheControl"]) == (
            content_type,
            cache_control,
        )
    client.close()


def test_200_mb_go_through_in_bounded_memory(
    seaweed: S3Server, new_prefix: Callable[[], str]
) -> None:
    """Else a long lesson ends the worker, and whatever else works there."""
    assert memory_of_a_round_trip(seaweed, new_prefix(), 200 << 20) < 200
