import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from mentora_pipelines.adapters.postgres.database import Connection, Database
from mentora_pipelines.adapters.postgres.repository.insertion import OnConflict
from mentora_pipelines.adapters.postgres.repository.repository import Repository
from mentora_pipelines.adapters.postgres.tables.lessons import (
    CAPTION_TRACKS,
    TRANSCRIPTS,
    VIDEO_CHUNKS,
    VIDEOS,
)
from mentora_pipelines.domain.paging import Filter, Operator
from mentora_pipelines.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PermanentError,
    TransientError,
)
from mentora_pipelines.services import DatabaseUrls
from tests.fix_databases import superuser_url
from tests.probe_rows import KEY, PROBES, ProbeRow, Probes, open_probes
from tests.waiting import wait_until

ADA = UUID("00000000-0000-5000-8000-00000000000a")
HOSTILE = "id; drop table videos; --"


@pytest.fixture(scope="module")
def probes(urls: DatabaseUrls) -> Iterator[Probes]:
    """The probe table, for this file."""
    with open_probes(urls) as opened:
        yield opened


@contextmanager
def no_connection() -> Iterator[Database]:
    """A database that must not be asked: a connection to it fails the test."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        database = Database(f"postgresql://app@127.0.0.1:{port}/mentora", "tests")
        yield database
        database.close()
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "asked",
    [
        Filter(HOSTILE, 1),
        Filter("tsv", "x"),
        Filter("facts", {}),
        Filter("tags", ["x"]),
        Filter("rank", HOSTILE),
        Filter("rank", 2**31),
        Filter("rank", True),
        Filter("id", str(ADA)),
        Filter("note", "\x00"),
        Filter("note", "\ud800"),
        Filter("note", ["x"]),
        Filter("note", None, Operator.LT),
        Filter("note", "x", Operator.IN),
        Filter("note", ["x", None], Operator.IN),
        Filter("happened_at", datetime(2026, 1, 1)),  # noqa: DTZ001
        Filter("price", Decimal("nan")),
        Filter("rank", 1, "= 1 or 1 ="),  # type: ignore[arg-type]
        Filter(["rank"], 1),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_a_hostile_filter_is_refused_before_anything_is_sent(asked: Filter) -> None:
    """Else what a browser sends becomes part of a statement."""
    with no_connection() as database, pytest.raises(InvalidInput):
        Repository(database, PROBES, KEY).list([asked], creator_id=ADA)


@pytest.mark.parametrize(
    "request_with",
    [
        {"order_by": HOSTILE},
        {"order_by": "facts"},
        {"order_by": "tags"},
        {"order_by": 1},
        {"limit": 0},
        {"limit": 501},
        {"limit": -1},
        {"limit": True},
        {"limit": "50"},
        {"cursor": ""},
        {"cursor": HOSTILE},
        {"cursor": "WzAsMF0.c2lnbmF0dXJl"},
        {"cursor": "ü\ud800"},
        {"cursor": 5},
    ],
    ids=repr,
)
def test_a_hostile_page_is_refused_before_anything_is_sent(
    request_with: dict[str, Any],
) -> None:
    """Else one request reads a whole table, or sorts by what it likes."""
    with no_connection() as database, pytest.raises(InvalidInput):
        Repository(database, PROBES, KEY).list(creator_id=ADA, **request_with)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {HOSTILE: 1},
        {"id": ADA},
        {"creator_id": ADA},
        {"version": 9},
        {"updated_at": None},
        {"rank": None},
        {"rank": "1"},
        {"tags": ["x", 1]},
        {"facts": {"x": float("nan")}},
        {"facts": {"x": "\x00"}},
        {"facts": Ellipsis},
    ],
    ids=str,
)
def test_a_change_that_is_not_allowed_is_refused_before_anything_is_sent(
    changes: dict[str, object],
) -> None:
    """Else a row is moved to another creator, or its version set back."""
    with no_connection() as database, pytest.raises(InvalidInput):
        Repository(database, PROBES, KEY).update(
            ADA, changes, expected_version=1, creator_id=ADA
        )


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"label": "no key"},
        {"id": ADA, "creator_id": ADA, "version": 3},
        {"id": ADA, "creator_id": ADA, "created_at": None},
        {"id": ADA, "creator_id": ADA, HOSTILE: 1},
        {"id": "1", "creator_id": ADA},
        {"id": ADA, "creator_id": UUID(int=1)},
        {"id": ADA},
        "not a row",
    ],
    ids=str,
)
def test_a_malformed_row_is_refused_before_anything_is_sent(
    row: Mapping[str, object],
) -> None:
    """Else the server's own words about it are all that a caller gets."""
    with no_connection() as database, pytest.raises(InvalidInput):
        Repository(database, PROBES, KEY).insert_many([row], creator_id=ADA)


@pytest.mark.parametrize("key", [HOSTILE, 1, (ADA, ADA), None])
def test_a_key_of_another_kind_is_refused_before_anything_is_sent(key: Any) -> None:  # noqa: ANN401
    """Else a mistyped address is reported as a fault of the database."""
    with no_connection() as database, pytest.raises(InvalidInput):
        Repository(database, PROBES, KEY).get(key, creator_id=ADA)


def test_a_creator_who_is_no_id_is_refused_before_anything_is_sent() -> None:
    """Else the one value that decides who sees what is whatever was sent."""
    with no_connection() as database:
        rows = Repository(database, PROBES, KEY)
        creator: Any = HOSTILE
        with pytest.raises(InvalidInput):
            rows.get(ADA, creator_id=creator)
        with pytest.raises(InvalidInput):
            rows.list(creator_id=creator)
        with pytest.raises(InvalidInput):
            rows.insert_many(numbered(creator, 1), creator_id=creator)
        with pytest.raises(InvalidInput):
            rows.update(ADA, {"rank": 1}, expected_version=1, creator_id=creator)


def test_rows_without_a_version_and_views_are_not_updated() -> None:
    """Else an update there undoes what somebody else wrote, and nobody is told."""
    with no_connection() as database:
        with pytest.raises(InvalidInput):
            Repository(database, TRANSCRIPTS, KEY).update(
                ADA, {"language": "en"}, expected_version=1, creator_id=ADA
            )
        with pytest.raises(InvalidInput):
            Repository(database, VIDEOS, KEY).update(
                ADA, {"processing_status": "x"}, expected_version=1, creator_id=ADA
            )
        with pytest.raises(InvalidInput):
            Repository(database, VIDEO_CHUNKS, KEY).insert_many(
                [{"id": ADA}], creator_id=ADA
            )


def test_no_rows_are_inserted_without_a_statement() -> None:
    """Else an empty batch costs a connection, and fails when the server is away."""
    with no_connection() as database:
        rows = Repository(database, PROBES, KEY)
        assert rows.insert_many([], creator_id=ADA).count == 0
        assert rows.insert_many(iter(()), creator_id=ADA, returning=True).rows == ()


def test_a_missing_row_is_none(probes: Probes) -> None:
    """Else every caller wraps a question into a try."""
    creator_id = probes.new_creator()
    assert probes.app.get(uuid4(), creator_id=creator_id) is None
    captions = Repository(probes.app_database, CAPTION_TRACKS, KEY)
    assert captions.get((uuid4(), "en", ""), creator_id=creator_id) is None


def test_a_row_comes_back_as_it_was_stored(probes: Probes) -> None:
    """Else a type is changed on its way, most likely a time or a number."""
    creator_id = probes.new_creator()
    row = ProbeRow(
        uuid4(),
        creator_id,
        "ä𝄞'%s",
        rank=-(2**31),
        score=0.1,
        note="",
        total=2**63 - 1,
        price=Decimal("0.10"),
        is_open=False,
        happened_at=datetime.fromisoformat("2026-01-01T00:00:00.000001+00:00"),
        tags=["a", ""],
        facts={"x": [1, None, "ü"]},
    )
    written = probes.app.insert_many([row], creator_id=creator_id, returning=True)
    stored = probes.app.get(row.id, creator_id=creator_id)
    assert stored is not None
    assert written.rows == (stored,)
    for column in PROBES.row_columns:
        assert getattr(stored, column.name) == getattr(row, column.name)
    assert stored.version == 1
    assert stored.created_at.tzinfo is not None


def test_what_a_mapping_leaves_out_gets_its_default(probes: Probes) -> None:
    """Else every caller repeats the defaults of the schema, until they differ."""
    creator_id = probes.new_creator()
    row = {"id": uuid4(), "creator_id": creator_id, "label": "x", "rank": 1}
    written = probes.app.insert_many([row], creator_id=creator_id, returning=True)
    assert (written.rows[0].tags, written.rows[0].facts) == ([], {})


def numbered(creator_id: UUID, count: int) -> Iterator[ProbeRow]:
    """Rows made one at a time."""
    for number in range(count):
        yield ProbeRow(uuid4(), creator_id, str(number), rank=number)


@pytest.mark.parametrize("returning", [False, True])
def test_five_thousand_rows_of_a_generator_are_stored(
    probes: Probes, *, returning: bool
) -> None:
    """Else an import has to hold all its rows in memory, or loses some."""
    creator_id = probes.new_creator()
    written = probes.app.insert_many(
        numbered(creator_id, 5000), creator_id=creator_id, returning=returning
    )
    assert written.count == 5000
    ranks = sorted(row.rank for row in written.rows)
    assert ranks == (list(range(5000)) if returning else [])
    last = probes.app.list(
        creator_id=creator_id, order_by="rank", descending=True, limit=1
    )
    assert last.rows[0].rank == 4999


def rank_of(probes: Probes, row: ProbeRow) -> int | None:
    """The stored rank of a row, None when it is not stored."""
    stored = probes.admin.get(row.id, creator_id=None)
    return None if stored is None else stored.rank


def test_each_policy_for_conflicts_does_what_it_says(probes: Probes) -> None:
    """Else a repeated import fails, doubles its rows or undoes what came after it."""
    creator_id = probes.new_creator()
    (old,) = probes.add(creator_id, 1)
    changed = {"id": old.id, "creator_id": creator_id, "label": old.label, "rank": 77}
    fresh = {"id": uuid4(), "creator_id": creator_id, "label": "fresh", "rank": 1}

    def insert(policy: OnConflict, *rows: Mapping[str, object]) -> list[int]:
        written = probes.app.insert_many(
            rows, creator_id=creator_id, on_conflict=policy, returning=True
        )
        assert written.count == len(written.rows)
        return [row.rank for row in written.rows]

    with pytest.raises(Conflict, match="probe_rows_pkey") as refused:
        insert(OnConflict.ERROR, fresh, changed)
    assert str(old.id) not in str(refused.value)
    assert insert(OnConflict.IGNORE, changed) == []
    assert rank_of(probes, old) == 0
    # All or nothing: the refused batch has left no fresh row.
    assert insert(OnConflict.IGNORE, changed, fresh) == [1]
    assert insert(OnConflict.UPDATE, changed) == [77]
    stored = probes.app.get(old.id, creator_id=creator_id)
    assert stored is not None
    assert (stored.rank, stored.version) == (77, 2)
    with pytest.raises(InvalidInput, match="same key"):
        insert(OnConflict.UPDATE, changed, changed)


def test_a_bad_row_in_the_middle_leaves_nothing_behind(probes: Probes) -> None:
    """Else half of a batch is stored and its repeat fails on that half."""
    creator_id = probes.new_creator()
    rows = [*numbered(creator_id, 300)]
    bad = {"id": uuid4(), "creator_id": creator_id, "label": "x", "rank": 1}
    with pytest.raises(InvalidInput):
        probes.app.insert_many([*rows, bad], creator_id=creator_id)
    assert probes.app.list(creator_id=creator_id).rows == ()
    assert probes.app.insert_many(rows, creator_id=creator_id).count == 300


def test_a_creator_reaches_no_row_of_another(probes: Probes) -> None:
    """Else a guessed id opens another creator's lessons, for either role."""
    ada, bob = probes.new_creator(), probes.new_creator()
    (row,) = probes.add(ada, 1)
    mine = {"id": uuid4(), "creator_id": bob, "label": "x", "rank": 1}
    stolen = {"id": row.id, "creator_id": bob, "label": "x", "rank": 666}
    for rows in (probes.app, probes.admin):
        assert rows.get(row.id, creator_id=bob) is None
        assert rows.list(creator_id=bob).rows == ()
        with pytest.raises(NotFound):
            rows.update(row.id, {"rank": 1}, expected_version=1, creator_id=bob)
        with pytest.raises(PermanentError):
            rows.insert_many([mine], creator_id=ada)
        with pytest.raises(PermanentError):
            rows.insert_many([stolen], creator_id=bob, on_conflict=OnConflict.UPDATE)
    assert rank_of(probes, row) == 0


def test_the_app_role_without_a_creator_reaches_nothing(probes: Probes) -> None:
    """Else a request whose creator was forgotten shows everybody's rows."""
    creator_id = probes.new_creator()
    (row,) = probes.add(creator_id, 1)
    assert probes.app.get(row.id, creator_id=None) is None
    assert probes.app.list(creator_id=None).rows == ()
    with pytest.raises(NotFound):
        probes.app.update(row.id, {"rank": 1}, expected_version=1, creator_id=None)
    with pytest.raises(PermanentError, match="InsufficientPrivilege"):
        probes.app.insert_many(numbered(creator_id, 1), creator_id=None)
    found = probes.admin.list([Filter("creator_id", creator_id)], creator_id=None)
    assert [found_row.id for found_row in found.rows] == [row.id]


def test_an_update_counts_and_an_old_version_is_a_conflict(probes: Probes) -> None:
    """Else the second of two editors silently undoes the first."""
    creator_id = probes.new_creator()
    (row,) = probes.add(creator_id, 1)
    changed = probes.app.update(
        row.id,
        {"note": "new", "tags": ("a", "b"), "facts": {"k": 1}},
        expected_version=1,
        creator_id=creator_id,
    )
    assert (changed.note, changed.tags, changed.version) == ("new", ["a", "b"], 2)
    with pytest.raises(Conflict):
        probes.app.update(
            row.id, {"note": "old"}, expected_version=1, creator_id=creator_id
        )
    with pytest.raises(NotFound):
        probes.app.update(
            uuid4(), {"note": "x"}, expected_version=1, creator_id=creator_id
        )
    assert probes.app.get(row.id, creator_id=creator_id) == changed


def test_an_update_onto_a_taken_name_is_a_conflict(probes: Probes) -> None:
    """Else a creator who names two things alike sees a fault of the database."""
    creator_id = probes.new_creator()
    first, second = probes.add(creator_id, 2)
    with pytest.raises(Conflict, match="probe_rows_creator_id_label_key"):
        probes.app.update(
            second.id,
            {"label": first.label},
            expected_version=1,
            creator_id=creator_id,
        )


def test_of_two_writers_with_the_same_version_one_wins(probes: Probes) -> None:
    """Else both believe that their text is the stored one."""
    creator_id = probes.new_creator()
    (row,) = probes.add(creator_id, 1)
    both_ready = threading.Barrier(2)

    def write(note: str) -> str:
        both_ready.wait(timeout=10)
        try:
            changed = probes.app.update(
                row.id, {"note": note}, expected_version=1, creator_id=creator_id
            )
        except Conflict:
            return "conflict"
        return changed.note or ""

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(write, ["ada", "bob"]))
    stored = probes.app.get(row.id, creator_id=creator_id)
    assert stored is not None
    assert outcomes == sorted(["conflict", stored.note or ""])
    assert stored.version == 2


WAITERS = "select count(*) from pg_locks where not granted"


def collide(
    probes: Probes, rows: list[ProbeRow], incoming: Iterable[Mapping[str, object]]
) -> int:
    """Rows written by an upsert of both rows that was forced into a deadlock once."""
    change = "update probe_rows set note = 'other' where id = %s"
    with (
        ThreadPoolExecutor(1) as threads,
        # It never looks for a deadlock, however late it comes: the writer finds it.
        psycopg.connect(
            superuser_url(probes.urls.admin), options="-c deadlock_timeout=1h"
        ) as other,
        psycopg.connect(probes.urls.admin, autocommit=True) as watcher,
    ):
        other.execute(change, [rows[1].id])
        writing = threads.submit(
            probes.app.insert_many,
            incoming,
            creator_id=rows[0].creator_id,
            on_conflict=OnConflict.UPDATE,
        )

        def somebody_waits() -> bool:
            row = watcher.execute(WAITERS).fetchone()
            return row is not None and row[0] > 0

        wait_until(somebody_waits)
        # The server ends the transaction that finds out first: the one that waits.
        other.execute(change, [rows[0].id])
        other.commit()
        return writing.result(timeout=20).count


def upserted(rows: list[ProbeRow]) -> list[dict[str, object]]:
    """The rows with another rank."""
    return [
        {"id": r.id, "creator_id": r.creator_id, "label": r.label, "rank": 77}
        for r in rows
    ]


def test_a_deadlock_is_run_again_and_both_sides_end(probes: Probes) -> None:
    """Else two harmless writers cost a run one of its three attempts."""
    creator_id = probes.new_creator()
    rows = sorted(probes.add(creator_id, 2), key=lambda row: row.id)
    assert collide(probes, rows, upserted(rows)) == 2
    stored = probes.app.list(creator_id=creator_id).rows
    assert [(row.rank, row.note) for row in stored] == [(77, "other")] * 2


def test_rows_that_can_be_read_once_are_not_run_again(probes: Probes) -> None:
    """Else the second attempt stores the rest of an iterator and calls it all."""
    creator_id = probes.new_creator()
    rows = sorted(probes.add(creator_id, 2), key=lambda row: row.id)
    with pytest.raises(TransientError, match="40P01"):
        collide(probes, rows, iter(upserted(rows)))
    assert [rank_of(probes, row) for row in rows] == [row.rank for row in rows]


RAISE = "do $$ begin raise exception 'made up' using errcode = '{code}'; end $$"


@pytest.mark.parametrize(
    ("code", "attempts"),
    [("40001", 3), ("40P01", 3), ("55P03", 1), ("57014", 1), ("40002", 1)],
)
def test_only_collisions_are_run_again_and_not_for_ever(
    probes: Probes, code: str, attempts: int
) -> None:
    """Else a slow statement is sent again and again to a server that is overloaded."""
    made = 0

    def work(connection: Connection) -> None:
        nonlocal made
        made += 1
        connection.execute(RAISE.format(code=code).encode())

    with pytest.raises((TransientError, PermanentError)):
        probes.app_database.run(work)
    assert made == attempts
