"""A tick of `new_uploads` with 50 new uploads among a thousand and among many.

`python -m benchmarks.upload_detection [MANY] [FOLDER_MANY] [TICKS]` (100,000, 10,000,
5): the sensor's look on SeaweedFS and on a folder, over a real database that knows all
but the new ones. Uploads lie under a hundred days, the new ones under today. Prints the
median of a tick, the requests that the store got in it, and the ratio of the two sizes.
Then a whole round over a million keys, which are listed and not stored: how many looks
it takes, and what it costs.
"""

import asyncio
import io
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

import obstore
import psycopg
from obstore.store import S3Store

from benchmarks.scratch_database import ScratchDatabase, scratch_database
from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.adapters.s3_storage.storage import S3Storage
from mentora_pipelines.domain.upload_looks import (
    PAGE_KEYS,
    RECENT_PAGES,
    UploadCursor,
    look_for_uploads,
)
from sensors.new_uploads import QUIET_S
from tests.fix_object_stores import BUCKET, S3Server, seaweed_server
from tests.million_uploads import COUNT, KnowsTheMillion, MillionUploads

NEW = 50
DAYS = 100
LIST_USD = 0.005 / 1000
"""Of a listing request on Amazon S3 (us-east-1)."""

Storage = FolderStorage | S3Storage

KNOWN = """
insert into videos (
    id, creator_id, title, storage_key, upload_etag, processing_status, error_code,
    error_message)
select gen_random_uuid(), %(creator_id)s, 'Lesson', key, etag, 'failed', 'internal', '-'
from unnest(%(keys)s::text[], %(etags)s::text[]) as known (key, etag)
"""


def key_of(number: int, today: date) -> str:
    """One of many keys: each creator has ten uploads on a day."""
    day = today - timedelta(days=3 + number % DAYS)
    creator = number // DAYS // 10
    return f"uploads/{day}/creator-{creator}@tests.example/lesson-{number}.mp4"


def fill(storage: FolderStorage, count: int, today: date) -> None:
    """Store many small uploads."""
    for number in range(count):
        storage.put(key_of(number, today), io.BytesIO(b"x"))


async def fill_bucket(server: S3Server, prefix: str, count: int, today: date) -> None:
    """The same in a bucket, by the fastest way there is."""
    store = S3Store(
        BUCKET,
        prefix=prefix,
        endpoint=server.endpoint_url,
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    for start in range(0, count, 64):
        numbers = range(start, min(start + 64, count))
        keys = [key_of(number, today) for number in numbers]
        await asyncio.gather(*(obstore.put_async(store, key, b"x") for key in keys))


def learn(storage: Storage, database: ScratchDatabase) -> None:
    """Let the database know every upload of a storage, and no other."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("truncate creators, events cascade")
        creator_id = uuid4()
        connection.execute(
            "insert into creators (id, email) values (%s, 'all@tests.example')",
            [creator_id],
        )
        after = ""
        while page := storage.list("uploads/", after=after, limit=10 * PAGE_KEYS):
            after = page[-1].key
            connection.execute(
                KNOWN,
                {
                    "creator_id": creator_id,
                    "keys": [found.key for found in page],
                    "etags": [found.etag for found in page],
                },
            )
        connection.execute("vacuum analyze videos")


def tick(
    storage: Storage,
    database: ScratchDatabase,
    cursor: UploadCursor,
    requests: Callable[[], int],
) -> tuple[float, int, UploadCursor]:
    """One look with 50 new uploads: seconds, requests and the next cursor."""
    today = datetime.now(UTC).date()
    batch = uuid4().hex
    for number in range(NEW):
        key = f"uploads/{today}/creator-{number % 5}@tests.example/{batch}-{number}.mp4"
        storage.put(key, io.BytesIO(b"x"))
    before = requests()
    started = time.perf_counter()
    look = look_for_uploads(
        storage,
        database.catalogue,
        cursor=cursor,
        now=datetime.now(UTC) + timedelta(seconds=storage.settle_s + 5),
    )
    elapsed_s = time.perf_counter() - started
    assert len(look.due) == NEW, len(look.due)
    return elapsed_s, requests() - before, look.cursor


def measure(
    name: str,
    storage: Storage,
    database: ScratchDatabase,
    ticks: int,
    requests: Callable[[], int],
) -> float:
    """Print the median of a few ticks; returns it in seconds."""
    learn(storage, database)
    cursor = UploadCursor()
    seconds, asked = [], []
    for number in range(ticks + 1):
        elapsed_s, count, cursor = tick(storage, database, cursor, requests)
        if number:  # the first one warms up
            seconds.append(elapsed_s)
            asked.append(count)
    middle = median(seconds)
    print(f"{name}: {1000 * middle:.0f} ms, {max(asked)} requests at most")
    return middle


def go_round() -> None:
    """Look at a million keys and a busy day until each was seen; print the cost."""
    storage, catalogue = MillionUploads(), KnowsTheMillion()
    now = datetime.now(UTC)
    for number in range(10 * RECENT_PAGES * PAGE_KEYS):
        storage.add(f"uploads/{now.date()}/ada@x.org/{number:05}.mp4")
    for upload in storage.objects.values():
        catalogue.announce(upload)
    cursor, looks, listings = UploadCursor(), 0, 0
    started = time.process_time()
    while cursor.sweep or not looks:
        look = look_for_uploads(storage, catalogue, cursor=cursor, now=now)
        cursor, looks, listings = look.cursor, looks + 1, listings + look.listings
    cpu_s = time.process_time() - started
    day_usd = 24 * 3600 / QUIET_S * listings / looks * LIST_USD
    print(
        f"{COUNT} keys and a busy day: a round is {looks} looks of "
        f"{listings / looks:.1f} requests and {1000 * cpu_s / looks:.0f} ms of CPU "
        f"beside the database, {looks * QUIET_S / 60:.0f} min; {day_usd:.2f} USD a day"
    )


def main(many: int, folder_many: int, ticks: int) -> None:
    """Print the figures."""
    today = datetime.now(UTC).date()
    with (
        tempfile.TemporaryDirectory() as place,
        scratch_database(Path(place) / "server") as database,
    ):
        seconds = []
        for count in (1000, folder_many):
            folder = FolderStorage(Path(place) / f"folder-{count}")
            fill(folder, count, today)
            name = f"folder of {count}"
            seconds.append(measure(name, folder, database, ticks, lambda: 0))
        print(f"folder: {seconds[1] / seconds[0]:.2f}x")

        weed = Path(place) / "seaweed"
        weed.mkdir()
        server = seaweed_server(weed)
        server.start()
        try:
            seconds = []
            for count in (1000, many):
                bucket = server.storage(f"of-{count}")
                asyncio.run(fill_bucket(server, f"of-{count}", count, today))
                name = f"bucket of {count}"
                seconds.append(
                    measure(name, bucket, database, ticks, lambda: server.requests)
                )
            print(f"bucket: {seconds[1] / seconds[0]:.2f}x")
        finally:
            server.kill()
    go_round()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*numbers, *(100_000, 10_000, 5)[len(numbers) :])
