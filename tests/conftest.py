"""Fixtures of all tests; each `fix_*.py` holds those of one part."""

from collections.abc import Iterable

import pytest
from hypothesis import settings

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


@pytest.hookimpl(tryfirst=True)  # before the processes read the groups
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Keep a file's tests in one process, and so all that look at the one demo.

    Each of the two processes of a test run has servers of its own.
    """
    for item in items:
        shares_demo = "demo_home" in getattr(item, "fixturenames", ())
        group = "demo" if shares_demo else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
