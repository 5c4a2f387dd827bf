"""The environment that a process of ours gets from this one."""

import os


def bare_environment() -> dict[str, str]:
    """What a confined process gets: where libraries lie, and no secret."""
    wanted = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {
        name: os.environ[name]  # noqa: TID251  (the one place that reads it)
        for name in wanted
        if name in os.environ  # noqa: TID251  (the same)
    }


def child_environment(**overrides: str) -> dict[str, str]:
    """The environment of this process with `overrides`, for a process it starts."""
    return {**os.environ, **overrides}  # noqa: TID251  (the one place that reads it)
