"""Pages: how a long list of rows is asked for and answered, part by part.

Here belong the questions (filters, limits) and the answer (a page). Not here: how a
store finds the rows, or what a cursor looks like inside.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
"""The specification's limits: rows on a page are 1 to 500, 50 unless asked."""

Row_co = TypeVar("Row_co", covariant=True)


class Operator(StrEnum):
    """How a column is compared with a value; the closed list."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition that every listed row meets: `column` `operator` `value`.

    With `EQ` the value None means that the column has no value, with `NE` that it has
    one. `NE` keeps rows without a value, as `!=` does in Python; the comparisons of
    order drop them. `IN` takes a sequence without None.
    """

    column: str
    value: object
    operator: Operator = Operator.EQ


@dataclass(frozen=True, slots=True)
class Page(Generic[Row_co]):
    """Rows in the order asked for, and how to go on.

    `next_cursor` is None on the last page, `previous_cursor` on the first. A cursor
    belongs to its listing: the same filters, order and creator.
    """

    rows: tuple[Row_co, ...]
    next_cursor: str | None
    previous_cursor: str | None
