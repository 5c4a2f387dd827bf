"""Entry point of the `mentora` command."""

import sys
from typing import NoReturn

import typer
from pydantic import ValidationError

from mentora_pipelines.cli.commands import Commands
from mentora_pipelines.errors import InvalidInput, MentoraError, SettingsError
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.scrubbing import place_of
from mentora_pipelines.settings.all_settings import check_settings
from mentora_pipelines.settings.observability import ObservabilitySettings

app = typer.Typer(
    name="mentora",
    cls=Commands,
    help="Lessons into transcripts, captions, searchable chunks and quizzes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _settings_are_right() -> None:
    """Lessons into transcripts, captions, searchable chunks and quizzes."""
    check_settings()
    incidents.start("command")


def main() -> NoReturn:
    """Run the command; a fault of the user is one sentence, never a stack trace."""
    try:
        app(standalone_mode=True)
    except (InvalidInput, SettingsError, ValidationError) as error:
        _exit(error, 2)
    except MentoraError as error:
        _exit(error, 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if ObservabilitySettings().log_level == "debug":
            raise
        # A driver's words may quote a row: an engineer finds the place.
        incidents.capture_exception(error, fingerprint=("command", place_of(error)))
        _exit(MentoraError(f"a fault of ours: {place_of(error)}"), 1)
    sys.exit(0)


def _exit(error: Exception, code: int) -> NoReturn:
    print(f"mentora: {error}", file=sys.stderr)  # noqa: T201  (its one plain message)
    sys.exit(code)
