"""The commands by name; the code of one is loaded when it is asked for.

All together import twice as much as `mentora status` needs, and a command is over in
less than a second.
"""

from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

PLACES = {
    "demo": "demo:demo",
    "dev": "demo:dev",
    "migrate": "migrations:migrate",
    "upload": "lessons:upload",
    "process": "lessons:process",
    "status": "lessons:status",
    "search": "search:search",
    "captions": "captions:captions",
    "metrics": "metrics:metrics",
    "reembed": "reembed:reembed",
    "generations": "reembed:generations",
    "eval": "evaluation:evaluate",
    "doctor": "doctor:doctor",
    "events": "events:events",
    "replay": "events:replay",
    "limits": "limits:limits",
    "plan": "plans:plan",
    "usage": "usage:usage",
    "transcript": "transcripts:app",
    "quiz": "quizzes:app",
    "budget": "usage:app",
    "storage": "storage:app",
    "membership": "memberships:app",
}
"""Module of this package and name in it, in the order of `mentora --help`."""


class Commands(TyperGroup):
    """Knows all names; loads the one that is called, or all for `--help`."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401  (Typer's own)
        super().__init__(**attributes)
        # The names alone: for the order, and for "Did you mean …?".
        self.commands.update({name: TyperCommand(name) for name in PLACES})

    def get_command(
        self, ctx: object, cmd_name: str
    ) -> TyperCommand | TyperGroup | None:
        """The command of that name, or None."""
        del ctx
        return _loaded(cmd_name) if cmd_name in PLACES else None


def _loaded(name: str) -> TyperCommand | TyperGroup:
    module, _, place = PLACES[name].partition(":")
    found = getattr(import_module(f"mentora_pipelines.cli.{module}"), place)
    alone = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    # One command alone would become the whole program.
    alone.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return cast("TyperCommand | TyperGroup", get_group(alone).commands[name])
