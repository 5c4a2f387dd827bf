"""The looks at the videos of lessons: limits, and hosts of one's own."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from mentora_pipelines.settings.base import Settings
from mentora_pipelines.settings.urls import web_url


def _trusted_host(entry: str) -> str:
    """`HOST` or `HOST:PORT`, in lower case."""
    host, _, port = entry.strip().lower().partition(":")
    labels = host.split(".")
    if (
        not all(
            re.fullmatch("[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?", part) for part in labels
        )
        or labels[-1].isdigit()
        or (":" in entry and not (port.isdigit() and 0 < int(port) < 65536))
    ):
        raise ValueError("must be HOST or HOST:PORT, no address and no wildcard")
    return f"{host}:{port}" if port else host


def _trusted_hosts(entries: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_trusted_host, entries))


def _web_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(web_url, urls))


class HealthSettings(Settings):
    """How the videos of lessons are asked for, and when a creator is told."""

    failures: int = Field(3, ge=1, alias="MENTORA_HEALTH_FAILURES")
    hours: float = Field(24.0, ge=0, allow_inf_nan=False, alias="MENTORA_HEALTH_HOURS")
    timeout_s: float = Field(
        15.0, ge=1, le=120, allow_inf_nan=False, alias="MENTORA_HEALTH_TIMEOUT_S"
    )
    concurrency: int = Field(64, ge=1, le=512, alias="MENTORA_HEALTH_CONCURRENCY")
    per_host: int = Field(4, ge=1, le=64, alias="MENTORA_HEALTH_PER_HOST")
    trusted_hosts: Annotated[tuple[str, ...], AfterValidator(_trusted_hosts)] = Field(
        (), alias="MENTORA_HEALTH_TRUSTED_HOSTS"
    )
    control_urls: Annotated[tuple[str, ...], AfterValidator(_web_urls)] = Field(
        (), alias="MENTORA_HEALTH_CONTROL_URLS"
    )
    # A quarter holds a dozen weekly looks, more than any alert is made of.
    retention_months: int = Field(12, ge=3, alias="MENTORA_HEALTH_RETENTION_MONTHS")

    @property
    def trusted(self) -> dict[str, frozenset[int]]:
        """The trusted hosts with the ports that they may be asked on."""
        ports: dict[str, frozenset[int]] = {}
        for entry in self.trusted_hosts:
            host, _, port = entry.partition(":")
            own = frozenset((int(port),)) if port else frozenset((80, 443))
            ports[host] = ports.get(host, frozenset()) | own
        return ports
