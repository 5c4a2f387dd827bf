"""What commands print beside their answers."""

import pytest

from mentora_pipelines.cli.output import progress


def test_a_title_with_brackets_is_shown_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else a lesson of such a title ends the command that processes it."""
    with progress() as shown:
        shown.add_task("Sum [/1] of [all]", total=1)
    assert "Sum [/1] of [all]" in capsys.readouterr().err
