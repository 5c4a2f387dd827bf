"""Logs: one JSON object a line on standard error, coloured text on a terminal.

Here belongs how a line looks. Not here: Dagster's own logs, which are left as they
are. A line says how something ended: run, video, creator, asset, event, duration_s.
"""

import importlib
import json
import logging
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, TextIO, cast

from mentora_pipelines.errors import SettingsError
from mentora_pipelines.observability.scrubbing import scrubbed_value
from mentora_pipelines.settings.observability import ObservabilitySettings

if TYPE_CHECKING:
    from structlog.dev import ConsoleRenderer
    from structlog.typing import FilteringBoundLogger, WrappedLogger

FIRST = ("timestamp", "level", "event", "run", "video", "creator", "asset")
"""In this order at the beginning of a line; what else there is follows."""

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def log(level: str, event: str, **facts: object) -> None:
    """Say how something ended; `facts` that are None are left out.

    Never fails its caller: a pipe that is closed loses the line.
    """
    if LEVELS[level] < _least_level():
        return
    line = {name: value for name, value in facts.items() if value is not None}
    try:
        getattr(_logger(), level)(event, **line)
    except (OSError, ValueError):
        return


def keep_standard_error() -> None:
    """Write to what standard error is by now, whatever Dagster makes of it later.

    For a run it puts a file in its place and lets a `tail` copy that; the end of the
    run kills the `tail`, and its last lines, which say what failed, would be lost.
    """
    global _kept  # noqa: PLW0603  (one for the process, as standard error is)
    if _kept is not None:
        return
    with suppress(OSError):  # a process without a standard error
        _kept = os.fdopen(
            os.dup(2), "w", encoding="utf-8", errors="backslashreplace", closefd=False
        )


_kept: TextIO | None = None


def _stream() -> TextIO:
    """Standard error, or what somebody has put in its place for this process."""
    is_ours = _kept is not None and sys.stderr is sys.__stderr__
    return cast("TextIO", _kept if is_ours else sys.stderr)


@cache
def _least_level() -> int:
    try:
        return LEVELS[ObservabilitySettings().log_level]
    except SettingsError:
        return logging.INFO


@cache
def _logger() -> "FilteringBoundLogger":
    """A logger of its own configuration: nobody else's is touched."""
    structlog = _structlog()
    made: FilteringBoundLogger = structlog.wrap_logger(
        _StandardError(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _scrub,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=True,
    )
    return made


class _StandardError:
    """Writes to standard error."""

    def msg(self, line: str) -> None:
        """Write a line at once, whole: other processes write to the same file."""
        stream = _stream()
        stream.write(line + "\n")
        stream.flush()

    debug = info = warning = error = msg


def _scrub(
    _logger: "WrappedLogger", _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    kept = scrubbed_value(event)
    assert isinstance(kept, dict)  # noqa: S101  (a mapping stays one)
    return kept


def _render(
    logger: "WrappedLogger", method: str, event: MutableMapping[str, object]
) -> str:
    """JSON, or colours where a person looks."""
    ordered = {name: event[name] for name in FIRST if name in event}
    ordered.update(event)
    if _is_terminal(_stream()):
        return str(_console()(logger, method, ordered))
    return json.dumps(ordered, default=str, ensure_ascii=False)


def _is_terminal(stream: TextIO) -> bool:
    return stream is not None and stream.isatty()


@cache
def _console() -> "ConsoleRenderer":
    made: ConsoleRenderer = _structlog().dev.ConsoleRenderer(colors=True)
    return made


def _structlog() -> ModuleType:
    """The library without rich, which it would only draw tracebacks with.

    Importing that takes a third of a second, and each run is a process of its own.
    """
    absent = "rich" not in sys.modules
    if absent:
        sys.modules["rich"] = cast("ModuleType", None)  # as if it were not installed
    try:
        return importlib.import_module("structlog")
    finally:
        if absent:
            del sys.modules["rich"]
