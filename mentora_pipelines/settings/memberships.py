"""Whop, where memberships are sold."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from mentora_pipelines.settings.base import Settings
from mentora_pipelines.settings.urls import is_loopback, web_url


class WhopSettings(Settings):
    """Who sells memberships; off when no key is named."""

    api_key: SecretStr | None = Field(None, alias="WHOP_API_KEY")
    webhook_secret: SecretStr | None = Field(None, alias="WHOP_WEBHOOK_SECRET")
    base_url: Annotated[str, AfterValidator(web_url)] = Field(
        "https://api.whop.com/api/v1", alias="WHOP_BASE_URL"
    )
    grace_hours: float = Field(
        24.0, ge=0, le=168, allow_inf_nan=False, alias="MENTORA_MEMBERSHIP_GRACE_HOURS"
    )

    @model_validator(mode="after")
    def _the_key_is_sent_over_tls(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ValueError("WHOP_BASE_URL: must be https, but for this machine")
        return self
