"""A bucket under load and out of service: 2 GB through, and twenty seconds away."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mentora_pipelines.errors import TransientError
from tests.fix_object_stores import S3Server, opened, seaweed_server
from tests.round_trips import memory_of_a_round_trip

AWAY_S = 20.0
BLOCK = hashlib.sha256(b"block").digest() * (1 << 15)
BLOCKS = 200


@pytest.fixture
def weed(tmp_path: Path) -> Iterator[S3Server]:
    """A store of this test alone, which it may kill."""
    server = seaweed_server(tmp_path)
    server.start()
    yield server
    server.kill()


class Stream(io.BytesIO):
    """Two hundred megabytes; in the middle of them something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = happens
        self._blocks = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """The next block, however much is asked for."""
        assert size
        if self._blocks == BLOCKS:
            return b""
        if self._blocks == BLOCKS // 2:
            self._happens()
        self._blocks += 1
        return BLOCK


def freeze(server: S3Server) -> None:
    """Stop it for a while."""
    server.freeze()
    threading.Timer(AWAY_S, server.thaw).start()


def restart(server: S3Server) -> None:
    """Kill it, and start it after a while."""
    server.kill()
    threading.Timer(AWAY_S, server.start).start()


def test_two_gigabytes_go_through_in_bounded_memory(weed: S3Server) -> None:
    """Else the longest lessons end the workers."""
    assert memory_of_a_round_trip(weed, "large", 2 << 30) < 200


@pytest.mark.parametrize("goes_away", [freeze, restart])
def test_a_store_that_is_away_for_a_while_costs_a_while(
    weed: S3Server, goes_away: Callable[[S3Server], None]
) -> None:
    """Else each restart of the store fails the lessons at work."""
    with opened(weed.variables("away")) as storage:
        try:
            stored = storage.put("a", Stream(lambda: goes_away(weed)))
        except TransientError:
            # A killed store may have lost the parts: nothing is there, and again.
            assert storage.stat("a") is None
            stored = storage.put("a", Stream(lambda: None))
        assert stored.size == BLOCKS * len(BLOCK)
        digest = hashlib.sha256()
        with storage.open("a", etag=stored.etag) as stream:
            for number in range(BLOCKS):
                if number == BLOCKS // 2:
                    goes_away(weed)
                digest.update(stream.read(len(BLOCK)))
            assert stream.read(1) == b""
        assert digest.digest() == hashlib.sha256(BLOCK * BLOCKS).digest()
        assert len(storage.list("", limit=9)) == 1
