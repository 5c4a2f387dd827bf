"""Many rows at once: binary COPY into a table of the transaction, then one INSERT.

COPY does not write to a table with row-level security and knows no ON CONFLICT. Rows
are streamed, so that memory does not grow with their number. Here belongs the SQL of
it. Not here: which transaction it runs in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic
from uuid import UUID

from psycopg import sql
from psycopg.errors import CardinalityViolation
from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Connection
from mentora_pipelines.adapters.postgres.repository.columns import Column, names_sql
from mentora_pipelines.adapters.postgres.repository.declaration import Row, Table
from mentora_pipelines.errors import Conflict, InvalidInput

CREATE_INCOMING = "create temporary table incoming ({columns}) on commit drop"

COPY_INCOMING = "copy incoming ({columns}) from stdin (format binary)"

# In one order, so that two writers of the same rows do not wait for each other.
INSERT = """
insert into {table} as stored ({columns})
select {columns} from incoming order by {identity}
{on_conflict} {returning}
"""

IGNORE = "on conflict do nothing"

UPDATE = "on conflict ({identity}) do update set {assignments} where {same_tenant}"


class OnConflict(StrEnum):
    """What becomes of an incoming row that is stored already.

    `ERROR` stores none of the rows, `IGNORE` keeps the stored row, `UPDATE` gives it
    the incoming values whatever its version: for rows that follow from their content.
    """

    ERROR = "error"
    IGNORE = "ignore"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Inserted(Generic[Row]):
    """How many rows were written, and those rows as stored if they were asked for."""

    count: int
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Insertion(Generic[Row]):
    """How rows that name the same columns get into a table."""

    table: Table[Row]
    columns: tuple[Column, ...]
    creator_id: UUID | None
    on_conflict: OnConflict
    returning: bool

    def __post_init__(self) -> None:
        """Raises `InvalidInput` when `UPDATE` would have nothing to update."""
        if self.on_conflict is OnConflict.UPDATE and not self._changed:
            raise InvalidInput(f"those columns of {self.table.name} never change")

    @property
    def _changed(self) -> list[Column]:
        return [c for c in self.columns if self.table.is_changeable(c)]

    def values_of(self, row: Row | Mapping[str, object]) -> list[object]:
        """The values of a row in the order of the columns; raises `InvalidInput`."""
        given = values_by_name(self.table, row)
        if given.keys() != {column.name for column in self.columns}:
            raise InvalidInput("the rows do not all have the same columns")
        tenant = self.table.tenant
        if tenant and self.creator_id and given.get(tenant) != self.creator_id:
            raise InvalidInput(f"a row of {self.table.name} of another creator")
        return [column.checked(given[column.name]) for column in self.columns]

    def run(
        self, connection: Connection, rows: Iterable[Row | Mapping[str, object]]
    ) -> Inserted[Row]:
        """Write the rows. Raises `InvalidInput`, `Conflict` and psycopg's errors."""
        columns = names_sql(self.columns)
        connection.execute(
            sql.SQL(CREATE_INCOMING).format(
                columns=sql.SQL(", ").join(
                    sql.SQL("{} {}").format(column.identifier, column.type_sql)
                    for column in self.columns
                )
            )
        )
        incoming = 0
        with connection.cursor().copy(
            sql.SQL(COPY_INCOMING).format(columns=columns)
        ) as copy:
            copy.set_types([column.kind.type_name for column in self.columns])
            for row in rows:
                copy.write_row(self.values_of(row))
                incoming += 1
        inserted = self._insert(connection, columns)
        if self.on_conflict is OnConflict.UPDATE and inserted.count < incoming:
            raise Conflict(f"a row of {self.table.name} is another creator's")
        return inserted

    def _insert(self, connection: Connection, columns: sql.Composed) -> Inserted[Row]:
        statement = sql.SQL(INSERT).format(
            table=self.table.identifier,
            columns=columns,
            identity=names_sql(self.table.identity_columns),
            on_conflict=self._on_conflict_sql(),
            returning=(
                sql.SQL("returning {}").format(names_sql(self.table.chosen))
                if self.returning
                else sql.SQL("")
            ),
        )
        with connection.cursor(row_factory=class_row(self.table.row)) as cursor:
            try:
                cursor.execute(statement)
            except CardinalityViolation as error:
                raise InvalidInput("two of the rows have the same key") from error
            stored = cursor.fetchall() if self.returning else []
            return Inserted(cursor.rowcount, tuple(stored))

    def _on_conflict_sql(self) -> sql.Composable:
        if self.on_conflict is OnConflict.ERROR:
            return sql.SQL("")
        if self.on_conflict is OnConflict.IGNORE:
            return sql.SQL(IGNORE)
        return sql.SQL(UPDATE).format(
            identity=names_sql(self.table.identity_columns),
            assignments=sql.SQL(", ").join(
                sql.SQL("{column} = excluded.{column}").format(column=column.identifier)
                for column in self._changed
            ),
            same_tenant=(
                sql.SQL("true")
                if self.table.tenant is None
                else sql.SQL(
                    "stored.{tenant} is not distinct from excluded.{tenant}"
                ).format(tenant=sql.Identifier(self.table.tenant))
            ),
        )


def values_by_name(
    table: Table[Row], row: Row | Mapping[str, object]
) -> Mapping[str, object]:
    """What is stored of a row; raises `InvalidInput` for anything but a row."""
    if isinstance(row, Mapping):
        return row
    if not isinstance(row, table.row):
        raise InvalidInput(f"that is no row of {table.name}")
    return {column.name: getattr(row, column.name) for column in table.row_columns}
