"""The pace of lessons, and the turns of creators."""

from typing import Annotated

from pydantic import Field

from mentora_pipelines.settings.base import Settings


class FlowSettings(Settings):
    """How fast lessons are started, and whose come first."""

    starts_per_minute: int = Field(5, ge=1, alias="MENTORA_STARTS_PER_MINUTE")
    plan_weights: dict[str, Annotated[int, Field(ge=1, le=100)]] = Field(
        default={"free": 1, "pro": 3, "business": 9}, alias="MENTORA_PLAN_WEIGHTS"
    )
