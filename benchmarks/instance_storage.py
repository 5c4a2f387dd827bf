"""A run of five trivial assets on our pooled instance storage and on the stock one.

Both in the same embedded PostgreSQL, run by run in turn, in this process:
`python -m benchmarks.instance_storage [RUNS]`. Prints medians and their ratio.
"""

import contextlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg
import psycopg

from mentora_pipelines.local_stack import ensure_local_stack, stop_local_stack
from resources.dagster_storage import psycopg2_url

STAGES = ("audio", "transcripts", "chunks", "embeddings", "published_lessons")

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
POOLED = """
storage:
  custom: {module: resources.dagster_storage, class: PooledPostgresStorage, config: {}}
telemetry: {enabled: false}
"""
STOCK = """
storage:
  postgres: {postgres_url: "%s"}
telemetry: {enabled: false}
"""


def trivial_assets() -> list[dg.AssetsDefinition]:
    """Assets with the names of a lesson's, one after another, that do nothing."""
    made: list[dg.AssetsDefinition] = []
    for name in STAGES:

        @dg.asset(name=name, deps=[previous.key for previous in made[-1:]])
        def stage() -> None:
            """Nothing."""

        made.append(stage)
    return made


def make_home(folder: Path, instance_yaml: str) -> Path:
    """A folder with Dagster's instance file."""
    folder.mkdir()
    (folder / "dagster.yaml").write_text(instance_yaml, encoding="utf-8")
    return folder


def sessions(url: str) -> int:
    """Sessions that PostgreSQL has opened for Dagster's database so far."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select sessions from pg_stat_database where datname = current_database()"
        ).fetchone()
    return int(row[0]) if row else 0


def main(runs: int) -> None:
    """Run both in turn and print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with_home = make_home(folder / "pooled", POOLED)
        url = ensure_local_stack(with_home / ".mentora").dagster_postgres_url
        stock_home = make_home(folder / "stock", STOCK % psycopg2_url(url))
        assets = trivial_assets()
        seconds: dict[str, list[float]] = {"pooled": [], "stock": []}
        opened: dict[str, int] = {}
        with (
            contextlib.chdir(with_home),
            dg.DagsterInstance.from_config(str(with_home)) as pooled,
            dg.DagsterInstance.from_config(str(stock_home)) as stock,
        ):
            for turn in range(runs + 1):
                for label, instance in (("pooled", pooled), ("stock", stock)):
                    before = sessions(url)
                    started = time.perf_counter()
                    run = dg.materialize(assets, instance=instance, run_config=QUIET)
                    assert run.success
                    elapsed = time.perf_counter() - started
                    if turn:  # The first turn warms both up.
                        seconds[label].append(elapsed)
                        opened[label] = sessions(url) - before - 1
        stop_local_stack(with_home / ".mentora")
    for label, values in seconds.items():
        print(
            f"{label:7} median {statistics.median(values):.3f} s a run"
            f" ({min(values):.3f}-{max(values):.3f}), {opened[label]} sessions opened"
        )
    ratio = statistics.median(seconds["stock"]) / statistics.median(seconds["pooled"])
    print(f"stock / pooled = {ratio:.1f}x over {runs} runs each")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
