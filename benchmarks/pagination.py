"""A page of a long list: keyset pagination against OFFSET.

`python -m benchmarks.pagination [ROWS]` (100,000 by default): students of one creator,
newest first, 50 a page, as the app role. Prints milliseconds (medians of the pages
around the first and around page 1,000) and the ratios.
"""

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from benchmarks.scratch_database import ScratchDatabase, scratch_database
from mentora_pipelines.adapters.postgres.repository.cursors import cursor_key
from mentora_pipelines.adapters.postgres.repository.repository import Repository
from mentora_pipelines.adapters.postgres.tables.people import STUDENTS

PAGE_ROWS = 50
FAR_PAGE = 1_000
SAMPLES = 21

BY_OFFSET = """
select * from students
where creator_id = %(creator_id)s
order by created_at desc, id desc
limit %(limit)s offset %(offset)s
"""
SPREAD = """
update students set created_at = now() - (xp * interval '1 second')
where creator_id = %(creator_id)s
"""


def fill(database: ScratchDatabase, rows: int) -> UUID:
    """Make a creator with `rows` students, one a second."""
    video, _ = database.new_video()
    now = datetime.now(UTC)
    Repository(database.app, STUDENTS, b"").insert_many(
        (
            {
                "id": uuid4(),
                "creator_id": video.creator_id,
                "email": f"{number}@tests.example",
                "last_active": now - timedelta(seconds=number),
                "xp": number,
            }
            for number in range(rows)
        ),
        creator_id=video.creator_id,
    )
    with database.admin.transaction() as connection:
        connection.execute(SPREAD, {"creator_id": video.creator_id})
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("vacuum analyze students")
    return video.creator_id


def main(rows: int) -> None:
    """Walk to page 1,000 both ways and print the figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        scratch_database(Path(folder) / "server") as database,
    ):
        creator_id = fill(database, rows)
        repository = Repository(database.app, STUDENTS, cursor_key(database.admin_url))
        keyset: list[float] = []
        cursor: str | None = None
        for _ in range(FAR_PAGE + SAMPLES):
            started = time.perf_counter()
            page = repository.list(
                creator_id=creator_id,
                order_by="created_at",
                descending=True,
                limit=PAGE_ROWS,
                cursor=cursor,
            )
            keyset.append((time.perf_counter() - started) * 1000)
            cursor = page.next_cursor

        def by_offset(page_number: int) -> float:
            started = time.perf_counter()
            with database.app.transaction(creator_id) as connection:
                connection.execute(
                    BY_OFFSET,
                    {
                        "creator_id": creator_id,
                        "limit": PAGE_ROWS,
                        "offset": page_number * PAGE_ROWS,
                    },
                ).fetchall()
            return (time.perf_counter() - started) * 1000

        offset = {
            page: statistics.median(by_offset(page) for _ in range(SAMPLES))
            for page in (0, FAR_PAGE)
        }
    first = statistics.median(keyset[1:SAMPLES])
    far = statistics.median(keyset[FAR_PAGE:])
    print(f"{rows} rows, {PAGE_ROWS} a page: page 1, page {FAR_PAGE}, ratio")
    print(f"  keyset  {first:6.2f} ms {far:6.2f} ms {far / first:6.1f}x")
    print(
        f"  OFFSET  {offset[0]:6.2f} ms {offset[FAR_PAGE]:6.2f} ms "
        f"{offset[FAR_PAGE] / offset[0]:6.1f}x"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
