"""Lines of a real process, whatever lies at its standard error."""

import os
import pty
import subprocess
import sys

from mentora_pipelines.settings.environment import child_environment
from tests.fix_services import PROJECT

# A file is put at the descriptor, as Dagster does for the time of a run.
TELLS = """
import os
from mentora_pipelines.observability.logs import keep_standard_error, log
keep_standard_error()
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
keep_standard_error()
log("info", "step done", asset="audio")
"""


def said(stderr: int) -> None:
    """Let a process tell of a step."""
    subprocess.run(
        [sys.executable, "-c", TELLS],
        env=child_environment(PYTHONPATH=str(PROJECT)),
        stderr=stderr,
        timeout=120,
        check=True,
    )


def test_a_step_is_told_while_dagster_captures_its_run() -> None:
    """Else the line that says what failed lies in a file of the worker that died."""
    read, write = os.pipe()
    said(write)
    os.close(write)
    with os.fdopen(read) as lines:
        (line,) = lines
    assert '"event": "step done", "asset": "audio"' in line


def test_a_person_at_a_terminal_reads_colours() -> None:
    """Else who runs a lesson by hand reads JSON."""
    ours, terminal = pty.openpty()
    said(terminal)
    line = os.read(ours, 4096).decode()
    os.close(terminal)
    os.close(ours)
    assert "\x1b[" in line
    assert "step done" in line
