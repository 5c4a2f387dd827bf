"""Fixtures of the scenarios: a home each, with a daemon that can be killed."""

pytest_plugins = ["soak.fix_homes"]
