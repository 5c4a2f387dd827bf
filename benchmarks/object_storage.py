"""Object storage through boto3, obstore and s3fs, and through our adapter.

`python -m benchmarks.object_storage [MB] [KEYS] [ROUNDS]` (64, 10,000, 5): on SeaweedFS
of this machine, a process for each measurement, the libraries in turn. s3fs lives in
`.venv-peers`. Prints medians: MB a second of a streamed write and read, seconds of a
listing of all keys, MB of memory beyond the imports. Then whether each can list a
bucket in which one key holds a control character.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from tests.fix_object_stores import BUCKET, S3Server, seaweed_server

PROJECT = Path(__file__).parents[1]
PEER = PROJECT / "benchmarks/peer_object_storage.py"
PEER_PYTHON = PROJECT / ".venv-peers/bin/python"

LIBRARIES = {
    "ours": sys.executable,
    "boto3": sys.executable,
    "obstore": sys.executable,
    "s3fs": str(PEER_PYTHON),
}


def measure(
    library: str, server: S3Server, megabytes: int, keys: int
) -> dict[str, float] | None:
    """The figures of one process, or None when it fails."""
    done = subprocess.run(
        [
            *(LIBRARIES[library], str(PEER), library, server.endpoint_url),
            *(server.access_key, server.secret_key, BUCKET, str(megabytes), str(keys)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(f"{library}: {_reason(done.stderr)}")
        return None
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _reason(text: str) -> str:
    """The line that names the error."""
    named = [line for line in text.splitlines() if "Error" in line]
    return (named or ["it failed"])[-1][:100]


def fill(server: S3Server, keys: int) -> None:
    """Store many small objects, as uploads are named."""
    client = server.client()

    def store(number: int) -> None:
        key = f"many/2026-11-{number % 28 + 1:02}/ada@x.org/{number:06}.mp4"
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(store, range(keys)))
    client.close()


def available() -> Iterator[str]:
    """The libraries that are installed."""
    for library, python in LIBRARIES.items():
        module = "boto3" if library == "ours" else library
        found = subprocess.run(
            [python, "-c", f"import {module}"], capture_output=True, check=False
        )
        if found.returncode == 0:
            yield library
        else:
            print(f"{library} is not installed")


def main(megabytes: int, keys: int, rounds: int) -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        server = seaweed_server(Path(folder))
        server.start()
        try:
            fill(server, keys)
            libraries = list(available())
            seen: dict[str, list[dict[str, float]]] = defaultdict(list)
            for _ in range(rounds):
                for library in libraries:
                    figures = measure(library, server, megabytes, keys)
                    assert figures is not None
                    seen[library].append(figures)
            for library, found in seen.items():
                middle = {name: median(f[name] for f in found) for name in found[0]}
                print(
                    f"{library:8} put {middle['put']:5.0f} MB/s   "
                    f"get {middle['get']:5.0f} MB/s   "
                    f"{keys} keys in {middle['list']:5.2f} s   "
                    f"{middle['memory']:4.0f} MB more memory"
                )
            client = server.client()
            client.put_object(Bucket=BUCKET, Key="many/a\nb", Body=b"x")
            client.close()
            print("a key with a line feed in the bucket:")
            for library in libraries:
                if measure(library, server, 1, keys + 1) is not None:
                    print(f"{library}: lists all {keys + 1} keys")
        finally:
            server.kill()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*numbers, *(64, 10_000, 5)[len(numbers) :])
