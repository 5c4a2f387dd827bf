"""What models cost, where no published list says it."""

from decimal import Decimal
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mentora_pipelines.settings.base import Settings

_Price = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class AiPrice(BaseModel):
    """US dollars for a million tokens in and out, and for a minute of sound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: _Price | None = None
    output: _Price | None = None
    minute: _Price | None = None


class SpendingSettings(Settings):
    """Prices of models that no published list knows, or of a contract of one's own."""

    prices: dict[Annotated[str, Field(pattern="^[^/]+/.+$")], AiPrice] = Field(
        default_factory=dict, alias="MENTORA_AI_PRICES"
    )

    @property
    def version(self) -> str:
        """Names these prices: other prices have another name."""
        text = repr(sorted((name, str(price)) for name, price in self.prices.items()))
        return f"own {sha256(text.encode()).hexdigest()[:12]}"
