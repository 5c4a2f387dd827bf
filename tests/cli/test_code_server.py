"""The watch over the development server's code server, on the real instance."""

import time

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster_shared.error import SerializableErrorInfo

from mentora_pipelines.cli.code_server import is_unreachable

SENSOR = InstigatorType.SENSOR
SCHEDULE = InstigatorType.SCHEDULE
RUNNING = InstigatorStatus.RUNNING

TOLD: dict[InstigatorType, ScheduleInstigatorData | SensorInstigatorData] = {
    SENSOR: SensorInstigatorData(),
    SCHEDULE: ScheduleInstigatorData("0 0 * * *"),
}


def fails(
    instance: dg.DagsterInstance,
    name: str,
    kind: InstigatorType,
    status: InstigatorStatus,
    timestamp: float,
) -> InstigatorState:
    """A sensor or schedule whose newest tick has found no code server."""
    location = RegisteredCodeLocationOrigin("tests")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "tests"), name)
    state = instance.add_instigator_state(
        InstigatorState(origin, kind, status, TOLD[kind])
    )
    instance.create_tick(
        TickData(
            instigator_origin_id=state.instigator_origin_id,
            instigator_name=name,
            instigator_type=kind,
            status=TickStatus.FAILURE,
            timestamp=timestamp,
            error=SerializableErrorInfo(
                "", [], DagsterUserCodeUnreachableError.__name__
            ),
            selector_id=state.selector_id,
        )
    )
    return state


@pytest.mark.parametrize(
    ("kind", "status", "age_s", "told"),
    [
        (SENSOR, RUNNING, 0, True),
        (SENSOR, InstigatorStatus.DECLARED_IN_CODE, 0, True),
        (SENSOR, RUNNING, 60, False),
        (SENSOR, InstigatorStatus.STOPPED, 0, False),
        (SCHEDULE, RUNNING, 0, False),
    ],
)
def test_only_a_fresh_tick_of_a_running_sensor_tells_that_the_code_server_is_gone(
    instance: dg.DagsterInstance,
    kind: InstigatorType,
    status: InstigatorStatus,
    age_s: float,
    told: bool,
) -> None:
    """Else one old tick of a stopped sensor loads the definitions anew for ever."""
    now = time.time()
    name = f"{kind.value}-{status.value}-{age_s}"
    state = fails(instance, name, kind, status, now - age_s)
    found = is_unreachable(instance, now - 30)
    instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
    assert found is told
