"""A look at every part of the platform."""

from uuid import UUID, uuid5

import dagster as dg

from assets.cockpit import OPERATIONS, table_metadata
from assets.failures import platform_step
from assets.tags import run_limits
from mentora_pipelines.domain.identity import NAMESPACE
from mentora_pipelines.domain.operations.platform_health import (
    HealthRule,
    PartState,
    PlatformLedger,
    PlatformProbes,
    Reading,
    look_at_platform,
)
from mentora_pipelines.observability import incidents
from mentora_pipelines.observability.logs import log
from mentora_pipelines.settings.platform_health import PlatformHealthSettings

# Each probe ends within seconds, whatever it asks; a look that waits behind the lessons
# would find out last that they wait.
LOOK_TAGS = run_limits(600, priority=20)


@dg.asset(
    group_name="operations",
    kinds={"postgres", "redis"},
    owners=[OPERATIONS],
    metadata=table_metadata("platform_health"),
)
def platform_health(
    context: dg.AssetExecutionContext,
    platform_probes: dg.ResourceParam[PlatformProbes],
    platform_ledger: dg.ResourceParam[PlatformLedger],
) -> dg.MaterializeResult[None]:
    """Whether databases, cache, storage, providers, mail and queues are well.

    The probes of `mentora doctor`, and what waits or was given up. A part that is not
    well twice in a row is one notice to the operator, and one more when it is again.
    """
    with platform_step():
        states = look_at_platform(
            _look_id(context.run.run_id),
            _rule(),
            probes=platform_probes,
            ledger=platform_ledger,
            counted=[_queued_runs(context.instance)],
        )
    _tell(context.run.run_id, states)
    alarmed = [state.part for state in states if state.is_alarmed]
    return dg.MaterializeResult(
        metadata={
            "parts": len(states),
            "not well": len(alarmed),
            **_figures(states),
            "looked at": _table(states),
        },
    )


@dg.asset_check(asset=platform_health)
def every_part_is_well(
    platform_ledger: dg.ResourceParam[PlatformLedger],
) -> dg.AssetCheckResult:
    """Else lessons wait, fail or are lost, and creators notice first."""
    with platform_step():
        alarmed = [each.part for each in platform_ledger.states() if each.is_alarmed]
    return dg.AssetCheckResult(passed=not alarmed, metadata={"not well": alarmed})


platform_health_job = dg.define_asset_job(
    "platform_health_job",
    selection=["platform_health"],
    tags=LOOK_TAGS,
    description="A look at every part of the platform.",
)


def _look_id(run_id: str) -> UUID:
    return uuid5(NAMESPACE, f"platform\n{run_id}")


def _rule() -> HealthRule:
    settings = PlatformHealthSettings()
    return HealthRule(
        settings.max_waiting,
        settings.max_oldest_minutes,
        settings.max_dead_letters,
        settings.max_budget_share,
        settings.confirmations,
        settings.operator,
    )


def _queued_runs(instance: dg.DagsterInstance) -> Reading:
    queued = instance.get_runs_count(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    )
    return Reading(
        "queued runs",
        f"{queued} runs wait in the queue",
        value=queued,
        threshold=PlatformHealthSettings().max_waiting,
    )


def _tell(run_id: str, states: list[PartState]) -> None:
    """One line, and one incident, for each part that is not what it was."""
    for state in states:
        if not state.told:
            continue
        event = "part is not well" if state.is_alarmed else "part is well again"
        log(
            "error" if state.is_alarmed else "info", event, run=run_id,
            asset="platform_health", part=state.part, detail=state.detail,
        )  # fmt: skip
        if state.is_alarmed:
            incidents.capture_message(
                f"{state.part} is not well",
                tags={"asset": "platform_health", "run": run_id, "part": state.part},
                fingerprint=("platform_health", state.part),
            )


def _figures(states: list[PartState]) -> dict[str, dg.MetadataValue]:
    """Numbers, which the UI plots over the looks."""
    figures: dict[str, dg.MetadataValue] = {}
    for state in states:
        if state.value is not None:
            figures[state.part] = dg.MetadataValue.float(float(state.value))
        elif state.latency_ms is not None:
            figures[f"{state.part}, ms"] = dg.MetadataValue.float(state.latency_ms)
    return figures


def _table(states: list[PartState]) -> dg.MetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "part": state.part,
                    "state": "NOT WELL" if state.is_alarmed else "well",
                    "this look": "well" if state.is_well else "not well",
                    "detail": state.detail,
                }
            )
            for state in states
        ]
    )
