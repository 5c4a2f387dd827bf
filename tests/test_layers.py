"""The tools that keep the code in shape, as tests: one command each."""

import subprocess
import sys
from pathlib import Path

from tests.fix_services import PROJECT

TOOLS = Path(sys.executable).parent


def assert_succeeds(*command: object) -> None:
    """Run a tool on the project; its findings are the failure's message."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


def test_nobody_imports_against_the_layers() -> None:
    """Else rules come to depend on Dagster or on one service's SDK."""
    assert_succeeds(TOOLS / "lint-imports", "--no-cache")


def test_the_code_obeys_the_linter() -> None:
    """Else known mistakes come back, and reviews are about commas."""
    assert_succeeds(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_the_code_is_formatted() -> None:
    """Else every change shows lines that nobody changed."""
    assert_succeeds(
        sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "."
    )


def test_the_types_fit() -> None:
    """Else a port and its adapter drift apart unseen."""
    # With what it remembers of files that did not change: a minute less.
    assert_succeeds(sys.executable, "-m", "mypy")
