"""Log lines and incidents: how much, where to, under which name."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from mentora_pipelines.settings.base import Settings


def _sentry_dsn(dsn: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(dsn.get_secret_value())
        whole = parts.username and parts.hostname and parts.path.strip("/").isdigit()
    except ValueError:
        whole = False
    if not whole or parts.scheme not in ("http", "https"):
        raise ValueError("must be https://KEY@HOST/PROJECT")
    return dsn


class ObservabilitySettings(Settings):
    """Where errors are told, under which name, and how much is logged."""

    sentry_dsn: Annotated[SecretStr, AfterValidator(_sentry_dsn)] | None = Field(
        None, alias="SENTRY_DSN"
    )
    # Sentry allows no space and no slash in the name of an environment.
    environment: str = Field(
        "development",
        max_length=64,
        pattern="^[A-Za-z0-9_.-]+$",
        alias="MENTORA_ENVIRONMENT",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", alias="MENTORA_LOG_LEVEL"
    )

    @property
    def traces_sample_rate(self) -> float:
        """The share of runs whose spans are sent, as specified."""
        return 0.1 if self.environment == "production" else 1.0
