#!/bin/sh
# Compiles the pinned requirements with hashes and without naming an index.
set -eu
cd "$(dirname "$0")/.."
uv=".venv/bin/python -m uv"
options="--universal --python-version 3.11 --generate-hashes --no-emit-index-url
    --no-strip-extras --no-header --no-annotate --quiet"

$uv pip compile $options pyproject.toml --extra test -o requirements/test.txt "$@"
$uv pip compile $options pyproject.toml -c requirements/test.txt -o requirements/runtime.txt "$@"
$uv pip compile $options requirements/bootstrap.in -c requirements/test.txt -o requirements/bootstrap.txt "$@"
# What the benchmarks compare with; some of it contradicts our own pins.
$uv pip compile $options requirements/peers.in -o requirements/peers.txt "$@"
