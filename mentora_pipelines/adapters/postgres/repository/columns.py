"""Columns of declared tables: which Python type is stored as which type, and back.

Here belong the types and the check of a value before it is sent. Not here: tables,
or any statement.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    LiteralString,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from mentora_pipelines.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class StoredAs:
    """Marks an annotation whose Python type alone does not tell the stored one."""

    type_name: LiteralString


BigInt: TypeAlias = Annotated[int, StoredAs("int8")]
Json: TypeAlias = Annotated[JsonValue, StoredAs("jsonb")]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of PostgreSQL and how its values are checked and written as text.

    A kind without `from_text` (lists, JSON) is neither compared nor sorted by.
    """

    type_name: LiteralString
    words: str
    accepts: Callable[[Any], bool]
    to_text: Callable[[Any], str] = str
    from_text: Callable[[str], object] | None = None


def _is_whole(value: object, bits: int) -> bool:
    return type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _is_text(value: object) -> bool:
    # PostgreSQL stores neither NUL nor half of a surrogate pair.
    return (
        isinstance(value, str)
        and "\x00" not in value
        and not any("\ud800" <= character <= "\udfff" for character in value)
    )


def _is_decimal(value: object) -> bool:
    return type(value) is int or (isinstance(value, Decimal) and value.is_finite())


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(_is_text(item) for item in value)


def _is_json(value: object) -> bool:
    try:
        return "\\u0000" not in json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False


KINDS: tuple[Kind, ...] = (
    Kind("uuid", "a UUID", lambda v: isinstance(v, UUID), from_text=UUID),
    Kind("text", "text without NUL", _is_text, from_text=str),
    Kind(
        "bool",
        "true or false",
        lambda v: type(v) is bool,
        from_text=lambda text: text == "True",
    ),
    Kind("int4", "a whole number", lambda v: _is_whole(v, 32), from_text=int),
    Kind("int8", "a whole number", lambda v: _is_whole(v, 64), from_text=int),
    Kind("float8", "a number", lambda v: type(v) in {int, float}, repr, float),
    Kind("numeric", "a finite decimal number", _is_decimal, from_text=Decimal),
    Kind(
        "timestamptz",
        "a time with its zone",
        lambda v: isinstance(v, datetime) and v.utcoffset() is not None,
        datetime.isoformat,
        datetime.fromisoformat,
    ),
    Kind(
        "date", "a day", lambda v: type(v) is date, date.isoformat, date.fromisoformat
    ),
    Kind("text[]", "a list of texts", _are_texts),
    Kind("jsonb", "JSON without NUL", _is_json),
)

BY_TYPE_NAME: dict[str, Kind] = {kind.type_name: kind for kind in KINDS}

BY_PYTHON_TYPE: dict[object, LiteralString] = {
    UUID: "uuid",
    str: "text",
    bool: "bool",
    int: "int4",
    float: "float8",
    Decimal: "numeric",
    datetime: "timestamptz",
    date: "date",
    list[str]: "text[]",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as a row type declares it; `nullable` where the field may be None."""

    name: str
    kind: Kind
    nullable: bool

    @property
    def identifier(self) -> sql.Identifier:
        """The column's name for a statement."""
        return sql.Identifier(self.name)

    @property
    def type_sql(self) -> sql.SQL:
        """The column's type for a statement."""
        return sql.SQL(self.kind.type_name)

    @property
    def is_comparable(self) -> bool:
        """Whether rows can be filtered and sorted by the column."""
        return self.kind.from_text is not None

    def parameter(self, name: str) -> sql.Composed:
        """The placeholder of a value of this column's type."""
        # With the type named, an index on the column serves whatever Python sends.
        return sql.SQL("{}::{}").format(sql.Placeholder(name), self.type_sql)

    def checked(self, value: object) -> object:
        """`value` as psycopg takes it; raises `InvalidInput` when it does not fit.

        The message names the column and what it holds, never the value.
        """
        if value is None:
            if not self.nullable:
                raise InvalidInput(f"{self.name} cannot be empty")
            return None
        if not self.kind.accepts(value):
            raise InvalidInput(f"{self.name} must be {self.kind.words}")
        if self.kind.type_name == "jsonb":
            return Jsonb(value)
        return list(value) if isinstance(value, tuple) else value

    def to_text(self, value: object) -> str | None:
        """A value as text from which `from_text` makes an equal one."""
        return None if value is None else self.kind.to_text(value)

    def from_text(self, text: str | None) -> object:
        """The value of a text of `to_text`; raises `ValueError` for another text."""
        if text is None or self.kind.from_text is None:
            return None
        return self.kind.from_text(text)


def columns_of(row_type: type) -> dict[str, Column]:
    """The columns that a dataclass declares, by name, in the order of its fields.

    Raises `TypeError` for an annotation that names no single stored type.
    """
    hints = get_type_hints(row_type, include_extras=True)
    return {name: _column(name, hint) for name, hint in hints.items()}


def names_sql(columns: Sequence[Column]) -> sql.Composed:
    """The names of some columns, separated by commas."""
    return sql.SQL(", ").join(column.identifier for column in columns)


def _column(name: str, hint: object) -> Column:
    nullable = False
    if get_origin(hint) in {Union, UnionType}:
        kept = [part for part in get_args(hint) if part is not NoneType]
        if len(kept) != 1:
            raise TypeError(f"{name}: one type, or one type and None")
        hint, nullable = kept[0], True
    type_name = BY_PYTHON_TYPE.get(hint)
    if get_origin(hint) is Annotated:
        marks = [mark for mark in get_args(hint) if isinstance(mark, StoredAs)]
        type_name = marks[0].type_name if marks else None
    if type_name is None:
        raise TypeError(f"{name}: no column stores {hint}")
    return Column(name, BY_TYPE_NAME[type_name], nullable)
