"""`mentora doctor`: whether everything that a lesson needs is there."""

import typer

from mentora_pipelines.cli.output import JsonOption, print_json, print_table
from mentora_pipelines.probes import PROBES, probe


def doctor(json: JsonOption = False) -> None:
    """Ask every service whether it is reachable, which version, and how fast."""
    findings = [probe(name, ask) for name, ask in PROBES.items()]
    if json:
        print_json(
            {
                "healthy": all(finding.healthy for finding in findings),
                "probes": [
                    {
                        "name": finding.name,
                        "healthy": finding.healthy,
                        "latency_ms": finding.latency_ms,
                        "detail": finding.detail,
                    }
                    for finding in findings
                ],
            }
        )
    else:
        print_table(
            "Doctor",
            ["part", "state", "ms", "detail"],
            [
                [f.name, "ok" if f.healthy else "FAILED", f.latency_ms, f.detail]
                for f in findings
            ],
        )
    if not all(finding.healthy for finding in findings):
        raise typer.Exit(1)
