"""Which commands there are, and that each loads its own code alone."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mentora_pipelines.cli.commands import PLACES
from mentora_pipelines.cli.main import app

LOADED = """
import sys
from mentora_pipelines.cli.main import app
app(["status", "--help"], standalone_mode=False)
print(*sys.modules)
"""


@pytest.mark.parametrize("name", PLACES)
def test_each_command_can_be_asked_what_it_does(name: str) -> None:
    """Else a name in the list leads nowhere, and only who calls it learns that."""
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"mentora {name}" in result.output


def test_the_help_names_every_command_and_what_it_is_for() -> None:
    """Else a person who does not know a command's name never finds it."""
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    described = [line.split(maxsplit=1)[0] for line in lines if len(line.split()) > 2]
    assert set(PLACES) <= set(described)


def test_a_name_that_is_mistyped_is_put_right() -> None:
    """Else a slip costs a look at the help."""
    result = CliRunner().invoke(app, ["stauts"])
    assert result.exit_code == 2
    assert "Did you mean 'status'?" in result.output


def test_a_command_does_not_wait_for_the_code_of_others() -> None:
    """Else every call of every command takes as long as the slowest to load."""
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {name for name in loaded if name.startswith("mentora_pipelines.cli.")}
    assert "mentora_pipelines.cli.lessons" in ours
    others = {
        f"mentora_pipelines.cli.{each.partition(':')[0]}" for each in PLACES.values()
    }
    assert ours & others == {"mentora_pipelines.cli.lessons"}
    assert not {"dagster", "numpy", "boto3"} & set(loaded)
