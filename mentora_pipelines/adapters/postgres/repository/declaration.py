"""What a table is to the repository: its row type, its key, its tenant's column.

Here belong the declaration and the white lists that follow from it. Not here: the
declarations of our tables (`tables/`), or statements.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from psycopg import sql

from mentora_pipelines.adapters.postgres.repository.columns import Column, columns_of
from mentora_pipelines.errors import InvalidInput

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")
Chosen = TypeVar("Chosen", bound="DataclassInstance")

VERSION = "version"
SERVER_COLUMNS = frozenset({"created_at", "updated_at", VERSION})
"""Set by a default or by the trigger `touch`; nobody writes them."""


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A table or view, declared by the frozen dataclass of its rows.

    `key` names a row; `tenant` is the column of its creator, None where rows belong to
    the platform. `identity` is what `OnConflict.UPDATE` recognises a row by, the key
    unless it says otherwise. An update may change the `changeable` columns, all when
    None; never the key, the identity, the tenant and what the server sets.
    `left_out` names the columns that rows do not carry, with the reason.
    """

    name: str
    row: type[Row]
    key: tuple[str, ...] = ("id",)
    tenant: str | None = "creator_id"
    identity: tuple[str, ...] = ()
    changeable: frozenset[str] | None = None
    server_columns: frozenset[str] = SERVER_COLUMNS
    read_only: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    declared: type[Any] | None = None

    @property
    def identifier(self) -> sql.Identifier:
        """The table's name for a statement."""
        return sql.Identifier(self.name)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """All declared columns, by name; what rows can be filtered by."""
        return columns_of(self.declared or self.row)

    @cached_property
    def chosen(self) -> tuple[Column, ...]:
        """The columns that a row carries, in the order of its fields."""
        return tuple(columns_of(self.row).values())

    @cached_property
    def key_columns(self) -> tuple[Column, ...]:
        """The columns of the key."""
        return tuple(self.columns[name] for name in self.key)

    @cached_property
    def identity_columns(self) -> tuple[Column, ...]:
        """What tells an incoming row from a stored one."""
        return tuple(self.columns[name] for name in self.identity or self.key)

    @cached_property
    def is_versioned(self) -> bool:
        """Whether rows count their changes, so that an update can be guarded."""
        return VERSION in self.columns

    def choose(self, row: "type[Chosen]") -> "Table[Chosen]":
        """The same table read with fewer columns: those that `row` declares.

        Filters may still name the others. Raises `TypeError` when a field is not a
        column of the table, has another type, or the key is missing.
        """
        table = Table(
            self.name,
            row,
            key=self.key,
            tenant=self.tenant,
            read_only=True,
            declared=self.declared or self.row,
        )
        for column in table.chosen:
            if self.columns.get(column.name) != column:
                raise TypeError(f"{self.name} has no column {column.name} of this type")
        if not set(self.key_columns) <= set(table.chosen):
            raise TypeError(f"rows of {self.name} are told apart by {self.key}")
        return table

    def column(self, name: str) -> Column:
        """A column to filter by; raises `InvalidInput`."""
        found = self.columns.get(name) if isinstance(name, str) else None
        if found is None or not found.is_comparable:
            raise InvalidInput(f"rows of {self.name} are not found by that column")
        return found

    def sort_column(self, name: str | None) -> Column:
        """A column to sort by, the key when None; raises `InvalidInput`."""
        wanted = self.key[0] if name is None else name
        for column in self.chosen:
            if column.name == wanted and column.is_comparable:
                return column
        raise InvalidInput(f"rows of {self.name} are not sorted by that column")

    def insertable(self, names: Iterable[str]) -> tuple[Column, ...]:
        """The named columns, all writable and the identity among them.

        Raises `InvalidInput`.
        """
        self._refuse_unless_writable()
        columns = tuple(self._writable(name) for name in names)
        if not {*self.key_columns, *self.identity_columns} <= set(columns):
            raise InvalidInput(f"a row of {self.name} without its key")
        return columns

    @cached_property
    def row_columns(self) -> tuple[Column, ...]:
        """What is stored of a whole row: all but what the server sets."""
        return tuple(c for c in self.chosen if c.name not in self.server_columns)

    def is_changeable(self, column: Column) -> bool:
        """Whether an update may give the column another value."""
        fixed = {*self.key, *self.identity, self.tenant, *self.server_columns}
        return column.name not in fixed and (
            self.changeable is None or column.name in self.changeable
        )

    def changes(self, names: Iterable[str]) -> tuple[Column, ...]:
        """The named columns, each of which an update may change.

        Raises `InvalidInput`, also when none is named and for a table whose rows do
        not count their changes: nothing would tell a lost update there.
        """
        self._refuse_unless_writable()
        if not self.is_versioned:
            raise InvalidInput(f"rows of {self.name} have no version to be changed by")
        columns = tuple(self._writable(name) for name in names)
        if not columns or not all(map(self.is_changeable, columns)):
            raise InvalidInput(f"a change of {self.name} that is not allowed")
        return columns

    def _writable(self, name: str) -> Column:
        found = self.columns.get(name) if isinstance(name, str) else None
        if found is None or name in self.server_columns:
            raise InvalidInput(f"rows of {self.name} have no such column to write")
        return found

    def _refuse_unless_writable(self) -> None:
        if self.read_only:
            raise InvalidInput(f"rows of {self.name} are only read here")
