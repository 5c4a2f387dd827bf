"""One library against an object store, alone in a process, so that memory can be told.

`python benchmarks/peer_object_storage.py LIBRARY ENDPOINT KEY SECRET BUCKET MB KEYS`
prints one line of JSON: MB a second of a write and of a read, seconds of a listing of
all keys under `many/`, and the most memory that the process held beyond its imports.
"""

import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK = os.urandom(1 << 20)
NAME = "large/video.mp4"
PAGE = 1000


class Video(io.RawIOBase):
    """A stream of so many megabytes, none of which is held."""

    def __init__(self, megabytes: int) -> None:
        super().__init__()
        self._left = megabytes << 20

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401  (typeshed's WriteableBuffer)
        """The next bytes."""
        count = min(len(buffer), self._left, len(BLOCK))
        buffer[:count] = BLOCK[:count]
        self._left -= count
        return count


@dataclass(frozen=True)
class Library:
    """How one library writes, reads and lists."""

    put: Callable[[io.RawIOBase], object]
    get: Callable[[], Iterator[bytes]]
    count: Callable[[], int]


def ours(endpoint: str, key: str, secret: str, bucket: str) -> Library:
    """The adapter of this project, on boto3."""
    from mentora_pipelines.adapters.s3_storage.connection import open_bucket
    from mentora_pipelines.adapters.s3_storage.storage import S3Storage
    from mentora_pipelines.settings.storage import StorageSettings

    os.environ.update(  # noqa: TID251  (a process of its own, and its settings)
        MENTORA_STORAGE_URL=f"s3://{bucket}",
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID=key,
        AWS_SECRET_ACCESS_KEY=secret,
    )
    storage = S3Storage(open_bucket(StorageSettings()))

    def get() -> Iterator[bytes]:
        with storage.open(NAME) as stream:
            while block := stream.read(1 << 20):
                yield block

    def count() -> int:
        found, after = 0, ""
        while page := storage.list("many/", after=after, limit=PAGE):
            found, after = found + len(page), page[-1].key
        return found

    return Library(
        lambda video: storage.put(NAME, io.BufferedReader(video)), get, count
    )


def boto3(endpoint: str, key: str, secret: str, bucket: str) -> Library:
    """Its managed transfer, with its own settings."""
    import boto3 as sdk
    from botocore.config import Config

    client = sdk.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )

    def get() -> Iterator[bytes]:
        yield from client.get_object(Bucket=bucket, Key=NAME)["Body"].iter_chunks(
            1 << 20
        )

    def count() -> int:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix="many/"
        )
        return sum(len(page.get("Contents", ())) for page in pages)

    return Library(lambda video: client.upload_fileobj(video, bucket, NAME), get, count)


def obstore(endpoint: str, key: str, secret: str, bucket: str) -> Library:
    """The Rust one, with its own settings."""
    import obstore as sdk
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        endpoint=endpoint,
        access_key_id=key,
        secret_access_key=secret,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )

    def get() -> Iterator[bytes]:
        for block in sdk.get(store, NAME).stream(min_chunk_size=1 << 20):
            yield bytes(block)

    def count() -> int:
        return sum(len(page) for page in store.list("many", chunk_size=PAGE))

    def put(video: io.RawIOBase) -> object:
        return sdk.put(store, NAME, io.BufferedReader(video), use_multipart=True)

    return Library(put, get, count)


def s3fs(endpoint: str, key: str, secret: str, bucket: str) -> Library:
    """The one of fsspec, without its cache of listings."""
    from s3fs import S3FileSystem

    files = S3FileSystem(
        key=key, secret=secret, endpoint_url=endpoint, use_listings_cache=False
    )

    def put(video: io.RawIOBase) -> None:
        with files.open(f"{bucket}/{NAME}", "wb") as target:
            while block := video.read(1 << 20):
                target.write(block)

    def get() -> Iterator[bytes]:
        with files.open(f"{bucket}/{NAME}", "rb") as stream:
            while block := stream.read(1 << 20):
                yield block

    return Library(put, get, lambda: len(files.find(f"{bucket}/many/")))


def memory_mb() -> float:
    """The most that this process has held."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def main(name: str, *place: str) -> None:
    """Measure one library, once."""
    *store, megabytes, keys = place
    library: Library = globals()[name](*store)
    assert library.count() == int(keys)
    before_mb = memory_mb()
    clock = time.perf_counter
    started = clock()
    library.put(Video(int(megabytes)))
    written = clock()
    size = sum(map(len, library.get()))
    read = clock()
    library.count()
    listed = clock()
    assert size == int(megabytes) << 20
    figures = {
        "put": int(megabytes) / (written - started),
        "get": int(megabytes) / (read - written),
        "list": listed - read,
        "memory": memory_mb() - before_mb,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
