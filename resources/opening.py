"""What surrounds the opening of any resource: no foreign word of it is told.

A resource is made before the step or the tick that needs it. What Dagster stores of an
error is shown in the UI, and a driver's words may quote a password or a host.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from mentora_pipelines.observability.scrubbing import without_foreign_words

if TYPE_CHECKING:
    # What `contextmanager` makes, and Dagster's type asks for.
    from contextlib import _GeneratorContextManager

P = ParamSpec("P")
R = TypeVar("R")


def made(make: Callable[P, R]) -> Callable[P, R]:
    """For `create_resource`: a foreign error is told by its type and place alone."""

    @wraps(make)
    def create(*args: P.args, **kwargs: P.kwargs) -> R:
        with without_foreign_words():
            return make(*args, **kwargs)

    return create


def opened(
    opens: Callable[P, Iterator[R]],
) -> "Callable[P, _GeneratorContextManager[R, None, None]]":
    """For `yield_for_execution`, in place of `contextmanager`: the same.

    What is raised while the resource is in use goes through as it is.
    """
    manager = contextmanager(opens)

    @contextmanager
    @wraps(opens)
    def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        with ExitStack() as stack:
            with without_foreign_words():
                resource = stack.enter_context(manager(*args, **kwargs))
            yield resource

    return run
