"""Rows of `leases`, and the fence that every write under a lease passes."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Connection, Database, Rows
from mentora_pipelines.domain.leases import LEASE, RENEWAL, step_limit
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import MentoraError, Overtaken

TAKE = """
insert into leases (video_id, creator_id, owner, until, fencing_token)
values (%(video_id)s, %(creator_id)s, %(owner)s, now() + %(lease)s, 1)
on conflict (video_id) do update
set owner = excluded.owner,
    until = excluded.until,
    fencing_token = leases.fencing_token + 1,
    acquired_at = now()
where leases.until <= now()
   or split_part(leases.owner, ':', 1) = split_part(excluded.owner, ':', 1)
returning fencing_token
"""

RENEW = """
update leases set until = now() + %(lease)s
where video_id = %(video_id)s and fencing_token = %(token)s
"""

# A token only grows, so the row stays.
RELEASE = """
update leases set until = now()
where video_id = %(video_id)s and fencing_token = %(token)s and until > now()
"""

# Locked: nobody takes the video over between this look and the commit.
HOLD_FENCE = """
select from leases
where video_id = %(video_id)s and fencing_token = %(token)s
for share
"""


@dataclass
class _Held:
    """A lease that this process renews; `deadline` in monotonic seconds."""

    creator_id: UUID
    owner: str
    token: int
    deadline: float | None


class LeaseRows(Rows):
    """Satisfies `Leases`: one thread renews what is held, until `close`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._held: dict[UUID, _Held] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._renewals: threading.Thread | None = None

    def hold(self, video: Video, owner: str) -> int | None:
        """The fencing token, or None while somebody else holds the video."""
        deadline = time.monotonic() + step_limit(video.duration_s).total_seconds()
        with self._lock:
            held = self._held.get(video.id)
        if held is not None and held.owner == owner and self._renew(video.id, held):
            held.deadline = deadline
            return held.token
        with self._database.transaction(video.creator_id) as connection:
            row = connection.execute(
                TAKE,
                {
                    "video_id": video.id,
                    "creator_id": video.creator_id,
                    "owner": owner,
                    "lease": LEASE,
                },
            ).fetchone()
        if row is None:
            return None
        with self._lock:
            self._held[video.id] = _Held(video.creator_id, owner, row[0], deadline)
            if self._renewals is None:
                self._renewals = threading.Thread(
                    target=self._keep_renewing, name="leases", daemon=True
                )
                self._renewals.start()
        return int(row[0])

    def rest(self, video: Video) -> None:
        """The step has ended: the lease is kept for the next one, however late."""
        with self._lock:
            held = self._held.get(video.id)
        if held is not None:
            held.deadline = None

    def close(self) -> None:
        """Stop renewing and let others have what was held, at once."""
        self._closed.set()
        if self._renewals is not None:
            self._renewals.join()
        for video_id, held in self._held.items():
            # What cannot be given back runs out by itself.
            with (
                suppress(MentoraError),
                self._database.transaction(held.creator_id) as connection,
            ):
                connection.execute(RELEASE, {"video_id": video_id, "token": held.token})
        self._held.clear()

    def _keep_renewing(self) -> None:
        while not self._closed.wait(RENEWAL.total_seconds()):
            with self._lock:
                held = list(self._held.items())
            for video_id, lease in held:
                if lease.deadline is not None and time.monotonic() > lease.deadline:
                    continue  # a step that hangs loses it
                # One that fails is made up for by the next; the fence tells the loss.
                with suppress(MentoraError):
                    self._renew(video_id, lease)

    def _renew(self, video_id: UUID, held: _Held) -> bool:
        with self._database.transaction(held.creator_id) as connection:
            renewed = connection.execute(
                RENEW, {"video_id": video_id, "token": held.token, "lease": LEASE}
            )
            return renewed.rowcount > 0


def hold_fence(connection: Connection, video: Video) -> None:
    """Begin a write under the video's lease; raises `Overtaken` when it is another's.

    A row that was read without a lease passes: its writer is alone by other means.
    """
    if video.fencing_token is None:
        return
    held = connection.execute(
        HOLD_FENCE, {"video_id": video.id, "token": video.fencing_token}
    )
    if held.rowcount == 0:
        raise Overtaken("another run works on the video")
