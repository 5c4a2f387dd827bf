"""What keeps a daemon from starting, and says so."""

import socket
from pathlib import Path

import pytest

from mentora_pipelines.cli.daemon import dagster_daemon, dagster_dev
from mentora_pipelines.errors import InvalidInput, MentoraError
from tests.fix_services import make_home


def test_a_taken_port_is_named() -> None:
    """Else `mentora dev` announces a page that somebody else serves."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InvalidInput, match=str(port)), dagster_dev(port):
            pass


def test_a_second_daemon_of_a_home_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two daemons take turns at one queue, which Dagster does not support."""
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    with (
        dagster_daemon(),
        pytest.raises(MentoraError, match="runs here already"),
        dagster_daemon(),
    ):
        pass
    with dagster_daemon() as again:
        again.check()
