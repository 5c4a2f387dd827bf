"""Homes of scenarios, each with servers of its own."""

from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import dagster as dg
import pytest

from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack
from mentora_pipelines.providers.lessons import open_catalogue
from tests.fix_services import OURS, make_home
from tests.live_home import LiveHome, opened_home


@contextmanager
def made_home(folder: Path) -> Iterator[LiveHome]:
    """A new home, without a daemon yet; its servers stop at the end."""
    make_home(folder)
    variables = {
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "MENTORA_STARTS_PER_MINUTE": "1000",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name in OURS:
            environment.delenv(name, raising=False)
        for name, value in variables.items():
            environment.setenv(name, value)
        ensure_local_stack(folder / ".mentora")
        # Both bring their tables up to date.
        with (
            open_catalogue(),
            chdir(folder),
            dg.DagsterInstance.from_config(str(folder)),
        ):
            pass
        try:
            with opened_home(folder, variables) as home:
                yield home
        finally:
            stop_local_stack(folder / ".mentora")


@pytest.fixture
def live_home(tmp_path: Path) -> Iterator[LiveHome]:
    """A home of this test alone."""
    with made_home(tmp_path / "home") as home:
        yield home


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHome]:
    """A home in which the daemon runs, for scenarios that kill other processes."""
    with made_home(tmp_path_factory.mktemp("shared") / "home") as home:
        home.start()
        yield home
