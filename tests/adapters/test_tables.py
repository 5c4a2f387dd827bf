from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import TupleRow

from mentora_pipelines.adapters.postgres.repository.columns import columns_of
from mentora_pipelines.adapters.postgres.repository.declaration import Table
from mentora_pipelines.adapters.postgres.tables.lessons import VIDEOS
from mentora_pipelines.adapters.postgres.tables.schema import TABLES, UNDECLARED
from mentora_pipelines.services import DatabaseUrls

Connection: TypeAlias = psycopg.Connection[TupleRow]

SELECT_RELATIONS = """
select relation.relname, relation.relkind = 'v'
from pg_class as relation
where relation.relnamespace = 'public'::regnamespace
  and relation.relkind in ('r', 'p', 'v', 'm', 'f')
  and not relation.relispartition
"""

SELECT_COLUMNS = """
select attribute.attname, type.typname, not attribute.attnotnull
from pg_attribute as attribute
join pg_type as type on type.oid = attribute.atttypid
where attribute.attrelid = to_regclass(%s)
  and attribute.attnum > 0
  and not attribute.attisdropped
"""

SELECT_KEYS = """
select array(
    select attribute.attname::text
    from pg_attribute as attribute
    where attribute.attrelid = index.indrelid
      and attribute.attnum = any(index.indkey::int2[])
    order by 1)
from pg_index as index
where index.indrelid = to_regclass(%s)
  and index.indisunique
  and index.indpred is null
  and index.indexprs is null
"""

SELECT_TRIGGERS = """
select pg_get_triggerdef(trigger.oid)
from pg_trigger as trigger
where trigger.tgrelid = to_regclass(%s) and not trigger.tgisinternal
"""

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


@pytest.fixture(scope="module")
def admin(urls: DatabaseUrls) -> Iterator[Connection]:
    """A connection to the newest schema."""
    with psycopg.connect(urls.admin, autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def views(admin: Connection) -> set[str]:
    """The names of the views."""
    return {name for name, is_view in admin.execute(SELECT_RELATIONS) if is_view}


@every_table
def test_the_declared_columns_are_those_of_the_table(
    admin: Connection, views: set[str], table: Table[Any]
) -> None:
    """Else a row holds another type than its annotation says, or lacks a new column.

    What a view computes has no NOT NULL in the catalogue, so there only types count.
    """
    stored = {
        name: (type_name, is_nullable)
        for name, type_name, is_nullable in admin.execute(SELECT_COLUMNS, [table.name])
        if name not in table.left_out
    }
    assert stored
    if table.name in views:
        stored = {
            name: (type_name, table.columns[name].nullable)
            for name, (type_name, _) in stored.items()
        }
    declared = {
        column.name: (array_name(column.kind.type_name), column.nullable)
        for column in table.columns.values()
    }
    assert declared == stored


def array_name(type_name: str) -> str:
    """A type's name as the catalogue writes it."""
    return f"_{type_name[:-2]}" if type_name.endswith("[]") else type_name


@every_table
def test_what_is_left_out_of_a_row_is_still_a_column(
    admin: Connection, table: Table[Any]
) -> None:
    """Else a reason outlives its column and hides the next one of that name."""
    stored = {name for name, _, _ in admin.execute(SELECT_COLUMNS, [table.name])}
    assert set(table.left_out) <= stored
    assert all(table.left_out.values())


def test_every_table_of_the_schema_is_declared_or_left_out_with_a_reason(
    admin: Connection,
) -> None:
    """Else a new table has no typed door and somebody writes SQL by hand."""
    stored = {name for name, _ in admin.execute(SELECT_RELATIONS)}
    declared = [table.name for table in TABLES]
    assert len(declared) == len(set(declared))
    assert {*declared, *UNDECLARED} == stored
    assert not set(declared) & set(UNDECLARED)
    assert all(UNDECLARED.values())


@every_table
def test_a_row_is_told_apart_by_unique_columns(
    admin: Connection, views: set[str], table: Table[Any]
) -> None:
    """Else pages skip rows with equal keys, and an upsert has nothing to meet."""
    if table.name in views:
        assert table.read_only
        return
    unique = [set(names) for (names,) in admin.execute(SELECT_KEYS, [table.name])]
    assert set(table.key) in unique
    assert set(table.identity or table.key) in unique


@every_table
def test_rows_with_a_version_count_their_changes(
    admin: Connection, table: Table[Any]
) -> None:
    """Else two writers both believe that they were alone."""
    triggers = [text for (text,) in admin.execute(SELECT_TRIGGERS, [table.name])]
    counts = any("BEFORE UPDATE" in text and "touch_row()" in text for text in triggers)
    assert counts == table.is_versioned


@every_table
def test_what_a_declaration_names_are_columns(table: Table[Any]) -> None:
    """Else a typing mistake opens a column, or closes one, without notice."""
    names = {*table.key, *table.identity, *(table.changeable or ())}
    assert names | ({table.tenant} if table.tenant else set()) <= set(table.columns)
    assert all(column.is_comparable for column in table.key_columns)
    assert not any(column.nullable for column in table.key_columns)


@dataclass(frozen=True, slots=True)
class VideoTitle:
    """Two columns of a video."""

    id: UUID
    title: str


@dataclass(frozen=True, slots=True)
class TitleAlone:
    """A row that nothing tells apart."""

    title: str


@dataclass(frozen=True, slots=True)
class NumberedVideo:
    """A row with a column of another type."""

    id: UUID
    title: int


def test_chosen_columns_must_be_columns_of_the_table() -> None:
    """Else the mistake shows at the first request and not when the module loads."""
    assert [column.name for column in VIDEOS.choose(VideoTitle).chosen] == [
        "id",
        "title",
    ]
    for row in (TitleAlone, NumberedVideo):
        with pytest.raises(TypeError):
            VIDEOS.choose(row)


@dataclass(frozen=True, slots=True)
class Unstorable:
    """A row with a column of no stored type."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A row with a column of two types."""

    value: int | str


@pytest.mark.parametrize("row", [Unstorable, Ambiguous])
def test_a_type_that_no_column_stores_is_refused(row: type) -> None:
    """Else its values reach the server as whatever text Python prints."""
    with pytest.raises(TypeError):
        columns_of(row)
