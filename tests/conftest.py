"""Fixtures of all tests; each `fix_*.py` holds those of one part."""

import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# Else each test run, and each process that it starts, compiles all packages again.
sys.dont_write_bytecode = False

# No test asserts a time; a busy machine takes longer over an example. The examples are
# the same each time, so that no change is refused for what another has broken:
# `--hypothesis-profile=random` looks for new ones.
settings.register_profile("random", deadline=None)
settings.register_profile("untimed", deadline=None, derandomize=True, database=None)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.fix_services",
    "tests.fix_databases",
    "tests.fix_mail",
    "tests.fix_valkey",
    "tests.fix_cache",
    "tests.fix_lessons",
    "tests.fix_media",
    "tests.fix_whisper",
    "tests.fix_runs",
    "tests.fix_commands",
    "tests.fix_ai",
    "tests.fix_whop",
    "tests.fix_object_stores",
    "tests.fix_sentry",
]


SLOWEST = ("demo", "test_layers", "test_bucket")
"""Groups of few tests that take a minute. Begun last, one process would work on such a
one alone while the other is done."""


DAY_S = 86_400
NIGHT_S = 30
"""Longer than a test takes whose rows are counted by day."""


@pytest.hookimpl(tryfirst=True)  # before the processes read the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process, and so all that look at the one demo.

    Each of the two processes of a test run has servers of its own. The slowest groups
    come first, then those of most tests.
    """
    groups = {item: _group_of(item) for item in items}
    sizes = Counter(groups.values())
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(
        key=lambda item: (
            Path(groups[item]).stem not in SLOWEST, -sizes[groups[item]], groups[item]
        )
    )  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # before the fixtures, which write rows of a day
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin no test just before midnight, UTC: what it writes is of one day."""
    del item
    left_s = DAY_S - time.time() % DAY_S
    if left_s < NIGHT_S:
        time.sleep(left_s)


def _group_of(item: pytest.Item) -> str:
    shares_demo = "demo_home" in getattr(item, "fixturenames", ())
    return "demo" if shares_demo else str(item.path)
