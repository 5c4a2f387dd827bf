"""Pages by position: the rows after or before one row, never an offset.

Rows are ordered by one column and then by the key, rows without a value last in both
directions. A page is what follows a position in that order, so that an index on the
column and the key leads straight to it and page 1,000 costs what page 1 costs
(https://use-the-index-luke.com/no-offset).

Here belongs the SQL of it. Not here: where a position comes from (`cursors`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from psycopg import sql

from mentora_pipelines.adapters.postgres.repository.columns import Column, names_sql
from mentora_pipelines.adapters.postgres.repository.conditions import Conditions
from mentora_pipelines.adapters.postgres.repository.declaration import Row, Table

ROWS = """
select {columns} from {table} where {terms} order by {order} limit %(limit)s
"""

# One statement, so that a row which loses its value meanwhile is not missed in both.
ROWS_OF_TWO_REGIONS = """
select {columns} from (({first}) union all ({second})) as page
order by {nulls}, {order} limit %(limit)s
"""

# Not `exists`: without the order the planner would scan the table for a first row.
ANY_ROW = "select true from ({page}) as page"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after `position`, or before it when `backward`.

    `position` holds a row's values of the order's columns, None to begin at the start;
    its own row is on the page only when `inclusive`.
    """

    position: tuple[object, ...] | None = None
    backward: bool = False
    inclusive: bool = False

    @property
    def turned(self) -> "Place":
        """The other way from the same position: all that is not from here on."""
        return Place(self.position, not self.backward, not self.inclusive)


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """Rows of a table that meet conditions, in an order."""

    table: Table[Row]
    conditions: Conditions
    sort_column: Column
    descending: bool

    @cached_property
    def order(self) -> tuple[Column, ...]:
        """What rows are ordered by: the column, then the key, so that no two tie."""
        return tuple(dict.fromkeys((self.sort_column, *self.table.key_columns)))

    def position_of(self, row: Row) -> tuple[object, ...]:
        """The place of a row in the order."""
        return tuple(getattr(row, column.name) for column in self.order)

    def page_statement(self, place: Place) -> sql.Composed:
        """The rows of a page as they lie from its beginning: backwards if so asked.

        Takes `parameters` of the place and the limit.
        """
        falling = self.descending != place.backward
        order = sql.SQL(", ").join(
            sql.SQL("{} desc" if falling else "{}").format(column.identifier)
            for column in self.order
        )
        columns = names_sql(self.table.chosen)
        parts = [
            sql.SQL(ROWS).format(
                columns=columns,
                table=self.table.identifier,
                terms=terms,
                order=order,
            )
            for terms in self._regions(place)
        ]
        if len(parts) == 1:
            return parts[0]
        first, second = parts
        return sql.SQL(ROWS_OF_TWO_REGIONS).format(
            columns=columns,
            first=first,
            second=second,
            nulls=sql.SQL("{} is null desc" if place.backward else "{} is null").format(
                self.sort_column.identifier
            ),
            order=order,
        )

    def any_row_statement(self, place: Place) -> sql.Composed:
        """One row when there is any from a place on; takes what the page takes."""
        return sql.SQL(ANY_ROW).format(page=self.page_statement(place))

    def parameters(self, place: Place, limit: int) -> dict[str, object]:
        """The values of the conditions, of the position and of the limit."""
        position = place.position or ()
        return {
            "limit": limit,
            **self.conditions.parameters,
            **{f"position_{number}": value for number, value in enumerate(position)},
        }

    def _regions(self, place: Place) -> list[sql.Composable]:
        """The terms of each region with rows of the page: with a value and without.

        Neither `is null` nor a comparison of rows finds both in an index at once.
        """
        column = self.sort_column
        after = self._after(place)
        if not column.nullable:
            return [self._terms(*after)]
        values: list[sql.Composable] = [
            sql.SQL("{} is not null").format(column.identifier)
        ]
        nulls: list[sql.Composable] = [sql.SQL("{} is null").format(column.identifier)]
        if place.position is None:
            return [self._terms(*values), self._terms(*nulls)]
        if place.position[0] is None:
            nulls += after
            regions = [values, nulls] if place.backward else [nulls]
        else:
            values += after
            regions = [values] if place.backward else [values, nulls]
        return [self._terms(*region) for region in regions]

    def _after(self, place: Place) -> list[sql.Composable]:
        """The term that keeps the rows from the position on, within its region."""
        if place.position is None:
            return []
        # NULL compares with nothing: among rows without a value the key decides.
        first = 1 if place.position[0] is None else 0
        numbers = range(first, len(self.order))
        falling = self.descending != place.backward
        return [
            sql.SQL("({columns}) {comparison} ({values})").format(
                columns=names_sql(self.order[first:]),
                comparison=sql.SQL(
                    ("<" if falling else ">") + ("=" if place.inclusive else "")
                ),
                values=sql.SQL(", ").join(
                    self.order[number].parameter(f"position_{number}")
                    for number in numbers
                ),
            )
        ]

    def _terms(self, *more: sql.Composable) -> sql.Composable:
        terms = (*self.conditions.terms, *more)
        return sql.SQL(" and ").join(terms) if terms else sql.SQL("true")
