"""Rows of one declared table: read, listed by pages, inserted and changed.

What the caller names (columns, operators, cursors) is looked up in the declaration
and refused before anything is sent. Here belong the four requests. Not here: tables
(`tables/`), or what lessons need of them at once (`lessons`).
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Generic, TypeAlias
from uuid import UUID

from psycopg import sql
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import (
    ATTEMPTS,
    Connection,
    Database,
)
from mentora_pipelines.adapters.postgres.repository.columns import names_sql
from mentora_pipelines.adapters.postgres.repository.conditions import (
    CREATOR,
    conditions_of,
    creator_term,
)
from mentora_pipelines.adapters.postgres.repository.cursors import CursorCodec
from mentora_pipelines.adapters.postgres.repository.declaration import (
    VERSION,
    Row,
    Table,
)
from mentora_pipelines.adapters.postgres.repository.insertion import (
    Inserted,
    Insertion,
    OnConflict,
    values_by_name,
)
from mentora_pipelines.adapters.postgres.repository.keyset import Listing, Place
from mentora_pipelines.adapters.postgres.repository.pages import read_page
from mentora_pipelines.domain.paging import DEFAULT_LIMIT, MAX_LIMIT, Filter, Page
from mentora_pipelines.errors import Conflict, InvalidInput, NotFound

SELECT_ROW = "select {columns} from {table} where {terms}"

UPDATE_ROW = """
update {table} set {assignments}
where {terms} and version = %(expected_version)s
returning {columns}
"""

KeyPart: TypeAlias = UUID | str | int | date
Key: TypeAlias = KeyPart | tuple[KeyPart, ...]


class Repository(Generic[Row]):
    """One table, for the app role and for the admin role.

    Every request says whose rows it is about. With a `creator_id` it is that creator's
    rows, for both roles; None stands for the platform and is the admin role's alone:
    to the app role, no row is visible then. A transaction that met a deadlock or a
    serialization failure is run again, see `Database.run`.
    """

    def __init__(
        self, database: Database, table: Table[Row], cursor_key: bytes
    ) -> None:
        self._database = database
        self._table = table
        self._cursors = CursorCodec(cursor_key)

    def get(self, key: Key, *, creator_id: UUID | None) -> Row | None:
        """The row, or None where there is none that this creator may see.

        A key of several columns is a tuple. Raises `InvalidInput` for another key.
        """
        terms, parameters = self._row_terms(key, creator_id)
        statement = sql.SQL(SELECT_ROW).format(
            columns=names_sql(self._table.chosen),
            table=self._table.identifier,
            terms=terms,
        )
        return self._database.run(
            lambda connection: self._one(connection, statement, parameters), creator_id
        )

    def list(
        self,
        filters: Sequence[Filter] = (),
        *,
        creator_id: UUID | None,
        order_by: str | None = None,
        descending: bool = False,
        limit: int = DEFAULT_LIMIT,
        cursor: str | None = None,
    ) -> Page[Row]:
        """A page of the rows that meet all filters, ordered by a column and the key.

        Rows without a value in `order_by` (the key when None) come last in both
        directions. `cursor` is one of a page of the same listing; the limit may differ.
        Which columns a row has, the table's declaration chooses (`Table.choose`). That
        page 1,000 costs what page 1 costs needs an index on the columns of the filters
        by `EQ`, `order_by` and the key. Raises `InvalidInput`.
        """
        if type(limit) is not int or not 1 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"a page has 1 to {MAX_LIMIT} rows")
        listing = Listing(
            self._table,
            conditions_of(self._table, filters, creator_id),
            self._table.sort_column(order_by),
            descending,
        )
        place = Place() if cursor is None else self._cursors.unseal(listing, cursor)
        return self._database.run(
            lambda connection: read_page(
                connection, listing, place, limit, self._cursors
            ),
            creator_id,
        )

    def insert_many(
        self,
        rows: Iterable[Row | Mapping[str, object]],
        *,
        creator_id: UUID | None,
        on_conflict: OnConflict = OnConflict.ERROR,
        returning: bool = False,
    ) -> Inserted[Row]:
        """All rows in one transaction; without rows nothing is sent.

        Rows are of the row type, of which all but what the server sets is stored, or
        mappings with the same columns each, where the others get their defaults.
        With `returning` the written rows come back as stored, in no promised order;
        rows that `IGNORE` left alone are not among them. Memory is bounded by the rows
        that come back. An iterator can be read once only, so a deadlock then ends the
        call with `TransientError`. Raises `Conflict`, which names the constraint, and
        `InvalidInput`; both leave nothing behind.
        """
        iterator = iter(rows)
        first = next(iterator, None)
        if first is None:
            return Inserted(0)
        insertion = Insertion(
            self._table,
            self._table.insertable(values_by_name(self._table, first)),
            creator_id,
            OnConflict(on_conflict),
            returning,
        )
        insertion.values_of(first)
        once = iterator is rows
        source = itertools.chain((first,), iterator) if once else rows

        def write(connection: Connection) -> Inserted[Row]:
            with _conflicts():
                return insertion.run(connection, source)

        return self._database.run(write, creator_id, attempts=1 if once else ATTEMPTS)

    def update(
        self,
        key: Key,
        changes: Mapping[str, object],
        *,
        expected_version: int,
        creator_id: UUID | None,
    ) -> Row:
        """The changed row, with its next version.

        Raises `NotFound` when there is no such row, `Conflict` when its version is not
        `expected_version`, `InvalidInput` for a column that is not to be changed and
        for a table whose rows have no version: an update without one would undo what
        somebody else has written since.
        """
        columns = self._table.changes(changes)
        terms, parameters = self._row_terms(key, creator_id)
        for column in columns:
            parameters[f"new_{column.name}"] = column.checked(changes[column.name])
        parameters["expected_version"] = self._table.columns[VERSION].checked(
            expected_version
        )
        statement = sql.SQL(UPDATE_ROW).format(
            table=self._table.identifier,
            assignments=sql.SQL(", ").join(
                sql.SQL("{} = {}").format(
                    column.identifier, column.parameter(f"new_{column.name}")
                )
                for column in columns
            ),
            terms=terms,
            columns=names_sql(self._table.chosen),
        )
        still_there = sql.SQL(SELECT_ROW).format(
            columns=names_sql(self._table.chosen),
            table=self._table.identifier,
            terms=terms,
        )

        def change(connection: Connection) -> Row:
            with _conflicts():
                changed = self._one(connection, statement, parameters)
            if changed is not None:
                return changed
            if self._one(connection, still_there, parameters) is None:
                raise NotFound(f"there is no such row of {self._table.name}")
            raise Conflict(f"the row of {self._table.name} was changed meanwhile")

        return self._database.run(change, creator_id)

    def _row_terms(
        self, key: Key, creator_id: UUID | None
    ) -> tuple[sql.Composed, dict[str, object]]:
        """The terms that one row meets, and their parameters."""
        parts = key if isinstance(key, tuple) else (key,)
        columns = self._table.key_columns
        if len(parts) != len(columns):
            raise InvalidInput(f"a row of {self._table.name} has another key")
        terms: list[sql.Composable] = []
        parameters: dict[str, object] = {}
        for column, part in zip(columns, parts, strict=True):
            name = f"key_{column.name}"
            terms.append(
                sql.SQL("{} = {}").format(column.identifier, column.parameter(name))
            )
            parameters[name] = column.checked(part)
        if creator_id is not None and self._table.tenant is not None:
            tenant = self._table.columns[self._table.tenant]
            terms.append(creator_term(tenant))
            parameters[CREATOR] = tenant.checked(creator_id)
        return sql.SQL(" and ").join(terms), parameters

    def _one(
        self,
        connection: Connection,
        statement: sql.Composed,
        parameters: Mapping[str, object],
    ) -> Row | None:
        with connection.cursor(row_factory=class_row(self._table.row)) as cursor:
            return cursor.execute(statement, parameters).fetchone()


@contextmanager
def _conflicts() -> Iterator[None]:
    """Turn a violated key into `Conflict`; which values it were is not told."""
    try:
        yield
    except UniqueViolation as error:
        raise Conflict(f"taken already: {error.diag.constraint_name}") from error
