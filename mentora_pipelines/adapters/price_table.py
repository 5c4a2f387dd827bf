"""Prices of providers, out of the data that lies in the package `genai-prices`.

Nothing is fetched: prices change with the pinned version of the package, and that
version is what a booked cost names.
"""

from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from mentora_pipelines.domain.spending.prices import Consumption, Cost
from mentora_pipelines.domain.spending.usage import Unit

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot

HOUR_S = Decimal(3600)


class GenaiPrices:
    """Satisfies `PriceTable`; the data (half a second) is loaded at first use."""

    def cost(self, used: Consumption) -> Cost | None:
        """The cost at list price, that of its day where it has changed."""
        from genai_prices import Usage

        try:
            provider, model = self._snapshot.find_provider_model(
                used.model, None, used.provider, None
            )
        except LookupError:
            return None
        # It also takes a name that only resembles a provider's: a server of one's own
        # that speaks as OpenAI does has other prices.
        if provider.id != used.provider:
            return None
        known = vars(model.get_prices(used.at))
        if used.unit is Unit.SECONDS:
            hourly = known.get("audio_hours")
            if not isinstance(hourly, Decimal):
                return None
            return Cost(Decimal(repr(used.input_units)) * hourly / HOUR_S, self.version)
        for units, name in (
            (used.input_units, "input_mtok"),
            (used.output_units, "output_mtok"),
        ):
            if units and known.get(name) is None:
                return None
        calculated = model.calc_price(
            Usage(
                input_tokens=round(used.input_units),
                output_tokens=round(used.output_units),
            ),
            provider,
            genai_request_timestamp=used.at,
        )
        return Cost(calculated.total_price, self.version)

    @cached_property
    def version(self) -> str:
        """Names the data."""
        from importlib.metadata import version

        return f"genai-prices {version('genai-prices')}"

    @cached_property
    def _snapshot(self) -> "DataSnapshot":
        from genai_prices.data_snapshot import get_snapshot

        return get_snapshot()
