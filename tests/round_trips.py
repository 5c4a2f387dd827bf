"""A process that writes a large object, reads it back and tells its memory."""

import subprocess
import sys

from mentora_pipelines.settings.environment import child_environment
from tests.fix_object_stores import S3Server
from tests.fix_services import PROJECT

THROUGH = """
import hashlib, io, pathlib, re, sys
from mentora_pipelines.providers.storage import make_storage

BLOCK = hashlib.sha256(b"block").digest() * (1 << 15)


class Video(io.RawIOBase):
    def __init__(self, size):
        self.left, self.sum = size, hashlib.sha256()

    def read(self, size=-1):
        block = BLOCK[: min(size, self.left, len(BLOCK))]
        self.left -= len(block)
        self.sum.update(block)
        return block


video = Video(int(sys.argv[1]))
storage = make_storage()
stored = storage.put("uploads/2026-11-23/ada@x.org/long.mp4", video)
assert stored.size == int(sys.argv[1])
found = hashlib.sha256()
with storage.open(stored.key, etag=stored.etag) as stream:
    while block := stream.read(1 << 20):
        found.update(block)
assert found.digest() == video.sum.digest()
status = pathlib.Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) // 1024)
"""


def memory_of_a_round_trip(server: S3Server, prefix: str, size: int) -> int:
    """The most memory, in MB, of a process that writes and reads `size` bytes."""
    done = subprocess.run(
        [sys.executable, "-c", THROUGH, str(size)],
        cwd=PROJECT,
        env=child_environment(**server.variables(prefix)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
