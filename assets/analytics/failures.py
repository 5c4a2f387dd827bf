"""From our errors to Dagster's, for work that belongs to no video."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from mentora_pipelines.errors import PermanentError


@contextmanager
def permanent_errors_fail_at_once() -> Iterator[None]:
    """A permanent error fails the step, any other one is tried again."""
    try:
        yield
    except PermanentError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
