from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.repository.conditions import conditions_of
from mentora_pipelines.adapters.postgres.repository.cursors import (
    CursorCodec,
    cursor_key,
)
from mentora_pipelines.adapters.postgres.repository.declaration import Table
from mentora_pipelines.adapters.postgres.repository.keyset import Listing, Place
from mentora_pipelines.adapters.postgres.repository.repository import Repository
from mentora_pipelines.domain.paging import Filter, Operator, Page
from mentora_pipelines.errors import InvalidInput
from mentora_pipelines.services import DatabaseUrls
from tests.probe_rows import KEY, PROBES, ProbeLabel, ProbeRow, Probes, open_probes

few_examples = settings(max_examples=30, deadline=None)

SCORES = st.sampled_from([None, None, -1.5, 0.0, 1.0, 2.5])
"""Few values, so that many rows tie."""

CHANGES = st.one_of(st.none(), SCORES.map(lambda score: (score,)), st.integers(0, 11))
"""Between two pages: nothing, a row with a score added, or a row deleted."""


@pytest.fixture(scope="module")
def probes(urls: DatabaseUrls) -> Iterator[Probes]:
    """The probe table, for this file."""
    with open_probes(urls) as opened:
        yield opened


def row_with(creator_id: UUID, score: float | None) -> ProbeRow:
    """A row with a score, and a rank that ties as often."""
    row_id = uuid4()
    rank = 7 if score is None else int(score)
    return ProbeRow(row_id, creator_id, str(row_id), rank=rank, score=score)


def in_order(rows: list[ProbeRow], column: str, *, descending: bool) -> list[UUID]:
    """What pages must come to: by value, then id; rows without a value last."""
    places = [(getattr(row, column), row.id) for row in rows]
    present = sorted((p for p in places if p[0] is not None), reverse=descending)
    absent = sorted((p[1] for p in places if p[0] is None), reverse=descending)
    return [row_id for _, row_id in present] + absent


def asking(
    probes: Probes,
    creator_id: UUID,
    order_by: str = "rank",
    *,
    descending: bool = False,
    limit: int = 2,
) -> Callable[[str | None], Page[ProbeRow]]:
    """Asks for the page of a cursor, always in the same listing."""

    def ask(cursor: str | None) -> Page[ProbeRow]:
        return probes.app.list(
            creator_id=creator_id,
            order_by=order_by,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )

    return ask


def walk(
    ask: Callable[[str | None], Page[ProbeRow]], cursor: str | None, *, backward: bool
) -> list[Page[ProbeRow]]:
    """The pages from a cursor on, until there is no further one."""
    pages = []
    for _ in range(100):
        pages.append(ask(cursor))
        cursor = pages[-1].previous_cursor if backward else pages[-1].next_cursor
        if cursor is None:
            return pages
    raise AssertionError("the pages do not come to an end")


def ids_of(pages: list[Page[ProbeRow]]) -> list[UUID]:
    """The rows of some pages."""
    return [row.id for page in pages for row in page.rows]


@few_examples
@given(
    start=st.lists(SCORES, max_size=12),
    column=st.sampled_from(["score", "rank", "id"]),
    descending=st.booleans(),
    limit=st.integers(1, 5),
)
def test_pages_are_the_ordered_rows_there_and_back(
    probes: Probes,
    start: list[float | None],
    column: str,
    descending: bool,
    limit: int,
) -> None:
    """Else ties or missing values hide rows, or a button leads to an empty page."""
    creator_id = probes.new_creator()
    rows = [row_with(creator_id, score) for score in start]
    probes.app.insert_many(rows, creator_id=creator_id)
    ask = asking(probes, creator_id, column, descending=descending, limit=limit)
    expected = in_order(rows, column, descending=descending)
    there = walk(ask, None, backward=False)
    assert ids_of(there) == expected
    assert len(there) == max(1, -(-len(rows) // limit))
    assert there[0].previous_cursor is None
    if len(there) > 1:
        back = walk(ask, there[-1].previous_cursor, backward=True)
        assert [page.rows for page in back[::-1]] == [page.rows for page in there[:-1]]
        assert back[0].next_cursor is not None


@few_examples
@given(
    start=st.lists(SCORES, min_size=1, max_size=12),
    changes=st.lists(CHANGES, max_size=12),
    column=st.sampled_from(["score", "rank", "id"]),
    descending=st.booleans(),
    limit=st.integers(1, 4),
)
def test_changes_between_pages_lose_and_repeat_no_row_of_the_start(
    probes: Probes,
    start: list[float | None],
    changes: list[tuple[float | None] | int | None],
    column: str,
    descending: bool,
    limit: int,
) -> None:
    """Else a job that walks a table while others write skips rows or does them twice.

    Forwards to the end and back to the start, while rows are added and deleted.
    """
    creator_id = probes.new_creator()
    rows = [row_with(creator_id, score) for score in start]
    probes.app.insert_many(rows, creator_id=creator_id)
    everything, deleted = list(rows), set[UUID]()
    coming = iter(changes)
    ask_quietly = asking(probes, creator_id, column, descending=descending, limit=limit)

    def ask(cursor: str | None) -> Page[ProbeRow]:
        page = ask_quietly(cursor)
        change = next(coming, None)
        if isinstance(change, tuple):
            everything.append(row_with(creator_id, *change))
            probes.app.insert_many(everything[-1:], creator_id=creator_id)
        elif change is not None:
            gone = rows[change % len(rows)].id
            deleted.add(gone)
            with probes.admin_database.transaction() as connection:
                connection.execute("delete from probe_rows where id = %s", [gone])
        return page

    there = walk(ask, None, backward=False)
    last = there[-1:]
    back = last
    if last[0].previous_cursor is not None:
        back = walk(ask, last[0].previous_cursor, backward=True)[::-1] + last
    for shown in (ids_of(there), ids_of(back)):
        assert len(shown) == len(set(shown))
        assert {row.id for row in rows} - deleted <= set(shown)
        seen = [row for row in everything if row.id in set(shown)]
        assert shown == in_order(seen, column, descending=descending)


def test_a_page_emptied_meanwhile_still_leads_back(probes: Probes) -> None:
    """Else a reader whose next page was deleted is stranded on nothing."""
    creator_id = probes.new_creator()
    rows = probes.add(creator_id, 4)
    ask = asking(probes, creator_id)
    first = ask(None)
    with probes.admin_database.transaction(creator_id) as connection:
        connection.execute("delete from probe_rows where rank >= 2")
    empty = ask(first.next_cursor)
    assert (empty.rows, empty.next_cursor) == ((), None)
    again = ask(empty.previous_cursor)
    assert [row.id for row in again.rows] == [row.id for row in rows[:2]]
    assert (again.next_cursor, again.previous_cursor) == (None, None)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("label", ["a", "B", "ä", "z'; --", "%s"]),
        ("note", ["", "same", "same", None, "𝄞"]),
        ("rank", [-(2**31), 0, 0, 5, 2**31 - 1]),
        ("score", [float("-inf"), 0.1, 0.1, 1e300, None]),
        ("total", [-(2**63), 0, 0, 2**63 - 1, None]),
        ("price", [Decimal("-0.10"), Decimal("0.1"), Decimal(10**30), None, None]),
        ("is_open", [False, True, True, None, False]),
        ("happened_at", [datetime(2026, 1, 1, 0, 0, 0, n, UTC) for n in (0, 1, 1, 2)]),
        ("day", [date.min, date(2026, 2, 28), date(2026, 2, 28), date.max, None]),
    ],
)
def test_any_kind_of_value_can_be_paged_by(
    probes: Probes, column: str, values: list[object]
) -> None:
    """Else a value that its cursor tells inexactly repeats or skips a row."""
    creator_id = probes.new_creator()
    probes.app.insert_many(
        [
            {
                "id": uuid4(),
                "creator_id": creator_id,
                "rank": 0,
                "label": str(n),
                column: v,
            }
            for n, v in enumerate(values)
        ],
        creator_id=creator_id,
    )
    for falling in (False, True):
        whole = asking(probes, creator_id, column, descending=falling, limit=9)(None)
        shown = [getattr(row, column) for row in whole.rows]
        assert sorted(map(str, shown)) == sorted(map(str, values))
        ask = asking(probes, creator_id, column, descending=falling, limit=1)
        pages = walk(ask, None, backward=False)
        assert [page.rows[0] for page in pages] == list(whole.rows)


ADA = UUID("00000000-0000-5000-8000-00000000000a")
BOB = UUID("00000000-0000-5000-8000-00000000000b")
CURSORS = CursorCodec(KEY)


def listing(
    *filters: Filter,
    creator_id: UUID | None = ADA,
    order_by: str = "rank",
    descending: bool = False,
    table: Table[Any] = PROBES,
) -> Listing[Any]:
    """A listing of the probe table, or of another one."""
    return Listing(
        table,
        conditions_of(table, filters, creator_id),
        table.sort_column(order_by),
        descending,
    )


FAILED = Filter("note", "failed")
RECENT = Filter("rank", 5, Operator.GE)
PLACE = Place((3, UUID(int=9)), backward=True)


@pytest.mark.parametrize(
    "other",
    [
        listing(),
        listing(RECENT),
        listing(FAILED, Filter("rank", 5, Operator.GT)),
        listing(FAILED, Filter("rank", 6, Operator.GE)),
        listing(Filter("note", None), RECENT),
        listing(FAILED, RECENT, creator_id=BOB),
        listing(FAILED, RECENT, creator_id=None),
        listing(FAILED, RECENT, order_by="total"),
        listing(FAILED, RECENT, descending=True),
        listing(FAILED, RECENT, table=Table("other_rows", ProbeRow)),
    ],
)
def test_a_cursor_of_another_listing_is_refused(other: Listing[Any]) -> None:
    """Else page 2 of one list is shown as page 2 of another, with rows missing."""
    cursor = CURSORS.seal(listing(FAILED, RECENT), PLACE)
    with pytest.raises(InvalidInput, match="leave it out"):
        CURSORS.unseal(other, cursor)


def test_a_cursor_is_read_back_whatever_the_order_of_the_filters() -> None:
    """Else a client that builds its query from a set loses its place at random."""
    cursor = CURSORS.seal(listing(FAILED, RECENT), PLACE)
    assert CURSORS.unseal(listing(RECENT, FAILED), cursor) == PLACE


def test_a_cursor_with_any_bit_flipped_is_refused() -> None:
    """Else positions can be forged, and each probes rows the caller never saw."""
    asked = listing(FAILED)
    cursor = CURSORS.seal(asked, PLACE)
    for at, character in enumerate(cursor):
        for bit in range(8):
            flipped = cursor[:at] + chr(ord(character) ^ 1 << bit) + cursor[at + 1 :]
            with pytest.raises(InvalidInput):
                CURSORS.unseal(asked, flipped)


@settings(max_examples=100, deadline=None)
@given(st.text() | st.text("abcAB01-_.", max_size=60))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """Else a mistyped address is an internal error."""
    with pytest.raises(InvalidInput):
        CURSORS.unseal(listing(), text)


def test_only_the_holder_of_the_secret_makes_cursors() -> None:
    """Else processes refuse each other's cursors, or accept anybody's."""
    asked = listing(FAILED)
    cursor = CursorCodec(cursor_key("postgresql://a:b@c/d")).seal(asked, PLACE)
    same = CursorCodec(cursor_key("postgresql://a:b@c/d"))
    assert same.unseal(asked, cursor) == PLACE
    with pytest.raises(InvalidInput):
        CursorCodec(cursor_key("postgresql://a:c@c/d")).unseal(asked, cursor)


def test_a_page_carries_only_the_chosen_columns(probes: Probes) -> None:
    """Else a list of titles reads every transcript of a creator."""
    creator_id = probes.new_creator()
    rows = probes.add(creator_id, 3)
    labels = Repository(probes.app_database, PROBES.choose(ProbeLabel), KEY)
    page = labels.list(
        [Filter("rank", 1, Operator.GE)], creator_id=creator_id, order_by="label"
    )
    assert page.rows == tuple(ProbeLabel(row.id, row.label) for row in rows[1:])
    with pytest.raises(InvalidInput):
        labels.list(creator_id=creator_id, order_by="rank")
    with pytest.raises(InvalidInput):
        labels.insert_many(page.rows, creator_id=creator_id)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Filter("note", None), [0, 3]),
        (Filter("note", None, Operator.NE), [1, 2]),
        (Filter("note", "a"), [1]),
        (Filter("note", "a", Operator.NE), [0, 2, 3]),
        (Filter("note", ["a", "b", "c"], Operator.IN), [1, 2]),
        (Filter("note", [], Operator.IN), []),
        (Filter("rank", 1, Operator.LT), [0]),
        (Filter("rank", 1, Operator.LE), [0, 1]),
        (Filter("rank", 1, Operator.GT), [2, 3]),
        (Filter("rank", 1, Operator.GE), [1, 2, 3]),
        (Filter("note", "a", Operator.GT), [2]),
    ],
)
def test_each_operator_keeps_the_rows_it_names(
    probes: Probes, asked: Filter, expected: list[int]
) -> None:
    """Else a filter quietly drops rows, those without a value first."""
    creator_id = probes.new_creator()
    notes = [None, "a", "b", None]
    probes.app.insert_many(
        [
            ProbeRow(uuid4(), creator_id, str(rank), rank=rank, note=note)
            for rank, note in enumerate(notes)
        ],
        creator_id=creator_id,
    )
    page = probes.app.list([asked], creator_id=creator_id, order_by="rank")
    assert [row.rank for row in page.rows] == expected


ROWS = 20_000
PAGE = 20


@pytest.fixture(scope="module")
def long_list(probes: Probes) -> UUID:
    """A creator with 20,000 rows, of which every tenth has no score."""
    creator_id = probes.new_creator()
    # As rows come in life, in many transactions. One insert lays them down in the order
    # of their keys, where the planner rightly reads a last page from the key's index.
    for start in range(0, ROWS, 200):
        probes.app.insert_many(
            (
                ProbeRow(
                    uuid4(),
                    creator_id,
                    str(number),
                    rank=number // 3,
                    score=None if number % 10 == 0 else number / 7,
                )
                for number in range(start, start + 200)
            ),
            creator_id=creator_id,
        )
    with probes.admin_database.transaction() as connection:
        # Other tests fill the table too: a sample would tell little of these rows.
        connection.execute("set local default_statistics_target = 2000")
        connection.execute("analyze probe_rows")
    return creator_id


def plan_nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for part in plan.get("Plans", []):
        yield from plan_nodes(part)


def explained(
    connection: Connection, statement: sql.Composed, parameters: dict[str, object]
) -> list[dict[str, Any]]:
    """The nodes of a statement's plan, as it was carried out."""
    row = connection.execute(
        sql.SQL("explain (analyze, buffers, format json) {}").format(statement),
        parameters,
    ).fetchone()
    assert row is not None
    return list(plan_nodes(row[0][0]["Plan"]))


def rows_read(node: dict[str, Any]) -> float:
    """Rows that a node of a plan produced or looked at in vain."""
    return float(node["Actual Rows"] + node.get("Rows Removed by Filter", 0))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(
    ("order_by", "page"), [("rank", 1000), ("score", 500), ("score", 1000)]
)
def test_a_late_page_reads_no_more_than_page_1(
    probes: Probes,
    long_list: UUID,
    order_by: str,
    page: int,
    *,
    backward: bool,
    descending: bool,
) -> None:
    """Else a walk over a table costs the square of its length.

    As the app role, whose policy must not stand between the filter and the index.
    """
    asked = listing(creator_id=long_list, order_by=order_by, descending=descending)
    with probes.app_database.transaction(long_list) as connection:
        skipped = sql.SQL("{} offset {}").format(
            asked.page_statement(Place()), sql.Literal((page - 1) * PAGE - 1)
        )
        row = connection.execute(skipped, asked.parameters(Place(), ROWS)).fetchone()
        assert row is not None
        names = [column.name for column in PROBES.chosen]
        position = tuple(row[names.index(column.name)] for column in asked.order)
        place = Place(position, backward)
        for statement, at, limit in (
            (asked.page_statement(place), place, PAGE + 1),
            (asked.any_row_statement(place.turned), place.turned, 1),
        ):
            nodes = explained(connection, statement, asked.parameters(at, limit))
            kinds = {node["Node Type"] for node in nodes}
            assert kinds & {"Index Scan", "Index Only Scan"}
            assert not kinds & {"Seq Scan", "Bitmap Heap Scan"}
            assert max(map(rows_read, nodes)) <= 2 * limit
            assert nodes[0]["Shared Hit Blocks"] <= 3 * limit + 10
