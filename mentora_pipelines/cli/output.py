"""How an answer is printed: one JSON object for programs, a table for people."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of a table.")
]

PIPED_WIDTH = 160


def print_json(answer: Mapping[str, object]) -> None:
    """One object on standard output; ids and times as strings."""
    json.dump(answer, sys.stdout, default=_plain, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_text(text: str) -> None:
    """Text on standard output, ending in one newline."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """A table on standard output; numbers stand right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        # What is piped is searched, not looked at: no cell may be cut.
        console = Console(width=PIPED_WIDTH)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for position, column in enumerate(columns):
        numeric = bool(rows) and all(
            isinstance(row[position], int | float) for row in rows
        )
        table.add_column(
            column,
            justify="right" if numeric else "left",
            overflow="fold",
            # An id that is folded cannot be copied.
            no_wrap=column == "id",
        )
    for row in rows:
        # Text, not markup: a title may hold square brackets.
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)


def say(message: str) -> None:
    """A line of progress on standard error."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def progress(text: str = "{task.description}") -> "Progress":
    """A line for each task on standard error, with the time that it takes."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        # Text, not markup, as in a table.
        TextColumn(text, markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID | StrEnum):
        return str(value)
    raise TypeError(type(value).__name__)
