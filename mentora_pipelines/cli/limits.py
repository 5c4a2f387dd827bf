"""`mentora limits`: what is limited, and how much each limit was used."""

from typing import Annotated

import typer

from mentora_pipelines.cli.output import JsonOption, print_json, print_table
from mentora_pipelines.domain.rate_limits.limits import LIMITERS
from mentora_pipelines.providers.rate_limits import open_rate_limiter


def limits(
    days: Annotated[
        int, typer.Option(help="UTC days that are added up, today included; up to 8.")
    ] = 1,
    json: JsonOption = False,
) -> None:
    """Show each rate limit, its outage policy, and the calls it allowed and refused."""
    with open_rate_limiter() as limiter:
        usage = limiter.usage(LIMITERS, days=days)
    rows = list(zip(LIMITERS, usage, strict=True))
    if json:
        print_json(
            {
                "days": days,
                "limits": [
                    {
                        "limiter": each.name,
                        "limit": each.limit,
                        "window_s": each.window_s,
                        "window": each.window,
                        "on_outage": each.on_outage,
                        "allowed": used.allowed,
                        "refused": used.refused,
                        "degraded": used.degraded,
                    }
                    for each, used in rows
                ],
            }
        )
        return
    print_table(
        "Rate limits, calls " + ("of today" if days == 1 else f"of {days} days"),
        [
            "limiter",
            "limit",
            "in",
            "window",
            "outage",
            "allowed",
            "refused",
            "degraded",
        ],
        [
            [
                each.name,
                each.limit,
                f"{each.window_s // 60} min",
                each.window,
                each.on_outage,
                used.allowed,
                used.refused,
                used.degraded,
            ]
            for each, used in rows
        ],
    )
