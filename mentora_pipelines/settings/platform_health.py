"""When the platform is not well, and whom to tell."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from mentora_pipelines.settings.base import Settings


def _mail_address(text: str) -> str:
    # What a template does to it is checked where mail is written.
    if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", text):
        raise ValueError("must be one mail address")
    return text


class PlatformHealthSettings(Settings):
    """From when on the platform is not well, and who is told."""

    operator: Annotated[str, AfterValidator(_mail_address)] | None = Field(
        None, alias="MENTORA_OPERATOR_EMAIL"
    )
    max_waiting: int = Field(200, ge=1, alias="MENTORA_ALERT_WAITING_UPLOADS")
    max_oldest_minutes: float = Field(
        60.0, gt=0, allow_inf_nan=False, alias="MENTORA_ALERT_OLDEST_UPLOAD_MINUTES"
    )
    max_dead_letters: int = Field(0, ge=0, alias="MENTORA_ALERT_DEAD_LETTERS")
    max_budget_share: float = Field(
        0.9, gt=0, allow_inf_nan=False, alias="MENTORA_ALERT_BUDGET_SHARE"
    )
    confirmations: int = Field(2, ge=1, le=100, alias="MENTORA_ALERT_CONFIRMATIONS")
