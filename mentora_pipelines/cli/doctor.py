"""`mentora doctor`: whether everything that a lesson needs is there."""

import typer

from mentora_pipelines.cli.output import JsonOption, print_json, print_table
from mentora_pipelines.probes import Probes


def doctor(json: JsonOption = False) -> None:
    """Ask every service whether it is reachable, which version, and how fast."""
    readings = Probes().readings()
    if json:
        print_json(
            {
                "healthy": all(reading.healthy for reading in readings),
                "probes": [
                    {
                        "name": reading.part,
                        "healthy": reading.healthy,
                        "latency_ms": reading.latency_ms,
                        "detail": reading.detail,
                    }
                    for reading in readings
                ],
            }
        )
    else:
        print_table(
            "Doctor",
            ["part", "state", "ms", "detail"],
            [
                [r.part, "ok" if r.healthy else "FAILED", r.latency_ms, r.detail]
                for r in readings
            ],
        )
    if not all(reading.healthy for reading in readings):
        raise typer.Exit(1)
