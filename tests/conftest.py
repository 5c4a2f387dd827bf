"""Fixtures of all tests; each `fix_*.py` holds those of one part."""

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
]
