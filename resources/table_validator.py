"""Tries what is expected of tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from mentora_pipelines.providers.analytics import open_table_validator
from resources.opening import opened

if TYPE_CHECKING:
    from mentora_pipelines.adapters.table_quality.validator import (
        GreatExpectationsValidator,
    )


class TableValidatorResource(dg.ConfigurableResource["GreatExpectationsValidator"]):
    """Tries what is expected of tables; its library is loaded when it is asked."""

    @opened
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> "Iterator[GreatExpectationsValidator]":
        """The adapter, its connections closed at the end of the run."""
        with open_table_validator() as validator:
            yield validator
