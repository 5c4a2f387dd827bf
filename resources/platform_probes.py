"""Asks each part of the platform, as `mentora doctor` does."""

from dataclasses import dataclass

import dagster as dg

from mentora_pipelines.domain.operations.platform_health import Reading
from mentora_pipelines.probes import PROBES, probe


@dataclass(frozen=True)
class DoctorsProbes:
    """Satisfies `PlatformProbes`."""

    def readings(self) -> list[Reading]:
        """What each part answers, in the order of `mentora doctor`."""
        findings = [probe(name, ask) for name, ask in PROBES.items()]
        return [
            Reading(
                found.name,
                found.detail,
                healthy=found.healthy,
                latency_ms=found.latency_ms,
            )
            for found in findings
        ]


class PlatformProbesResource(dg.ConfigurableResource[DoctorsProbes]):
    """Asks each part of the platform, as `mentora doctor` does."""

    def create_resource(self, context: dg.InitResourceContext) -> DoctorsProbes:
        """The probes; each opens what it asks, and closes it."""
        return DoctorsProbes()
