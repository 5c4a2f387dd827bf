"""What Dagster may keep of a resource that cannot be opened."""

from collections.abc import Iterator

import dagster as dg
import pytest

from mentora_pipelines.definitions import defs
from mentora_pipelines.errors import MentoraError, TransientError
from resources import opening
from resources.opening import opened

CONTEXT = dg.build_init_resource_context()


class Away(dg.ConfigurableResource[str]):
    """A part whose driver quotes a password, or one of our errors with such a cause."""

    ours: bool = False

    @opened
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[str]:
        """Nothing."""
        del context
        try:
            raise ValueError("hunter2")  # noqa: TRY301  (as a driver would)
        except ValueError as error:
            if self.ours:
                raise TransientError("the part is away") from error
            raise
        yield ""


@pytest.mark.parametrize("ours", [False, True])
def test_no_foreign_word_of_a_resource_is_told(ours: bool) -> None:
    """Else a database's password is in the UI, with the run that could not begin."""
    with (
        pytest.raises(MentoraError) as failed,
        Away(ours=ours).yield_for_execution(CONTEXT),
    ):
        pass
    assert "hunter2" not in str(failed.value)
    assert isinstance(failed.value, TransientError) is ours
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


class There(dg.ConfigurableResource[str]):
    """A part that is opened, and closed at the end."""

    @opened
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[str]:
        """A word."""
        del context
        yield "there"


def test_what_is_raised_while_a_resource_is_used_stays_what_it_is() -> None:
    """Else Dagster takes an interrupt, or a failure of its own, for another error."""
    with pytest.raises(KeyError), There().yield_for_execution(CONTEXT) as word:
        raise KeyError(word)


def test_every_resource_is_opened_in_this_way() -> None:
    """Else the next one forgets it."""
    for name, resource in (defs.resources or {}).items():
        for method in ("yield_for_execution", "create_resource"):
            own = vars(type(resource)).get(method)
            if own is not None:
                around = (own, getattr(own, "__wrapped__", own))
                files = {each.__code__.co_filename for each in around}
                assert opening.__file__ in files, name
