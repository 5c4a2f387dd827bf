"""Fixtures of all tests; each `fix_*.py` holds those of one part."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# Else each test run, and each process that it starts, compiles all packages again.
sys.dont_write_bytecode = False

# No test asserts a time; a busy machine takes longer over an example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.fix_services",
    "tests.fix_databases",
    "tests.fix_valkey",
    "tests.fix_cache",
    "tests.fix_lessons",
    "tests.fix_media",
    "tests.fix_whisper",
    "tests.fix_runs",
    "tests.fix_commands",
    "tests.fix_mail",
    "tests.fix_ai",
    "tests.fix_whop",
    "tests.fix_object_stores",
    "tests.fix_sentry",
]


SLOWEST = ("demo", "test_layers", "test_bucket")
"""Groups of few tests that take a minute. Begun last, one process would work on such a
one alone while the other is done."""


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


def _group_of(item: pytest.Item) -> str:
    shares_demo = "demo_home" in getattr(item, "fixturenames", ())
    return "demo" if shares_demo else str(item.path)
