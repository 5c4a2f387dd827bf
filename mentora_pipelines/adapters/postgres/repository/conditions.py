"""Filters as SQL: checked against the declaration, values as parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from mentora_pipelines.adapters.postgres.repository.columns import Column
from mentora_pipelines.adapters.postgres.repository.declaration import Row, Table
from mentora_pipelines.domain.paging import Filter, Operator
from mentora_pipelines.errors import InvalidInput

# `is distinct from` also keeps rows without a value, as `!=` does in Python.
COMPARISONS: dict[Operator, LiteralString] = {
    Operator.EQ: "{column} = {value}",
    Operator.NE: "{column} is distinct from {value}",
    Operator.LT: "{column} < {value}",
    Operator.LE: "{column} <= {value}",
    Operator.GT: "{column} > {value}",
    Operator.GE: "{column} >= {value}",
    Operator.IN: "{column} = any({value}::{type}[])",
}
AGAINST_NULL: dict[Operator, LiteralString] = {
    Operator.EQ: "{column} is null",
    Operator.NE: "{column} is not null",
}

CREATOR = "creator_id"


@dataclass(frozen=True)
class Conditions:
    """What the rows of a listing have in common.

    `canonical` says the same in plain values, whatever the order of the filters.
    """

    terms: tuple[sql.Composable, ...]
    parameters: dict[str, object]
    canonical: tuple[tuple[str, ...], ...]


def conditions_of(
    table: Table[Row], filters: Sequence[Filter], creator_id: UUID | None
) -> Conditions:
    """The conditions of a listing; raises `InvalidInput`.

    With `creator_id` the creator stands in the statement too, so that the admin role,
    which sees all rows, reads no more than it was asked for.
    """
    terms: list[sql.Composable] = []
    parameters: dict[str, object] = {}
    canonical: list[tuple[str, ...]] = [(CREATOR, str(creator_id))]
    if creator_id is not None and table.tenant is not None:
        tenant = table.columns[table.tenant]
        terms.append(creator_term(tenant))
        parameters[CREATOR] = tenant.checked(creator_id)
    for number, asked in enumerate(filters):
        column = table.column(asked.column)
        operator = _operator(asked)
        name = f"filter_{number}"
        if asked.value is None:
            terms.append(_null_term(column, operator))
            canonical.append((column.name, operator, ""))
            continue
        values = _values(column, operator, asked.value)
        terms.append(
            sql.SQL(COMPARISONS[operator]).format(
                column=column.identifier,
                value=(
                    sql.Placeholder(name)
                    if operator is Operator.IN
                    else column.parameter(name)
                ),
                type=column.type_sql,
            )
        )
        parameters[name] = values if operator is Operator.IN else values[0]
        texts = [column.kind.to_text(value) for value in values]
        canonical.append((column.name, operator, "=", *texts))
    return Conditions(tuple(terms), parameters, tuple(sorted(canonical)))


def creator_term(column: Column) -> sql.Composed:
    """The condition that a row is the creator's."""
    return sql.SQL("{} = {}").format(column.identifier, column.parameter(CREATOR))


def _operator(asked: Filter) -> Operator:
    try:
        return Operator(asked.operator)
    except ValueError as error:
        raise InvalidInput("a filter compares in one of the known ways") from error


def _null_term(column: Column, operator: Operator) -> sql.Composed:
    template = AGAINST_NULL.get(operator)
    if template is None:
        raise InvalidInput(f"{column.name} is compared with no value by eq or ne only")
    return sql.SQL(template).format(column=column.identifier)


def _values(column: Column, operator: Operator, value: object) -> list[object]:
    if operator is not Operator.IN:
        return [_compared(column, value)]
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidInput(f"{column.name} is looked for in a sequence of values")
    return [_compared(column, item) for item in value]


def _compared(column: Column, value: object) -> object:
    if value is None:
        raise InvalidInput(f"{column.name} is compared with no value by eq or ne only")
    return column.checked(value)
