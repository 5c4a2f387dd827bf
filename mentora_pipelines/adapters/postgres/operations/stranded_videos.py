"""Videos that nobody holds, as the admin role."""

from collections.abc import Sequence
from uuid import UUID

from mentora_pipelines.adapters.postgres.catalogue import SELECT_VIDEOS, read_videos
from mentora_pipelines.adapters.postgres.database import Connection, Database, Rows
from mentora_pipelines.adapters.postgres.events.events import write_event
from mentora_pipelines.adapters.postgres.lessons.videos import fail_video
from mentora_pipelines.domain.events.payloads import UploadCompleted
from mentora_pipelines.domain.stranded_videos import (
    BATCH,
    FORGOTTEN_AFTER,
    LOST_AFTER,
    PAGE,
    Stranded,
    StrandedPage,
)
from mentora_pipelines.domain.uploads import run_key_of
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import ErrorCode

PATIENCE = {
    ProcessingStatus.PROCESSING: LOST_AFTER,
    ProcessingStatus.PENDING: FORGOTTEN_AFTER,
}

# A pending row without any event is an upload that nobody has announced (`new_uploads`
# does), or an edit of bytes that were taken in long ago.
LOOK = """
select
    video.id,
    lease.owner,
    video.updated_at,
    greatest(lease.until, video.updated_at) < now() - %(patience)s
    and (
        video.processing_status = 'processing'
        or coalesce(
            (
                select bool_and(events.status <> 'pending')
                from events
                where events.name = %(upload_completed)s
                  and events.payload ->> 'videoId' = video.id::text
            ),
            video.source_etag is not null)
    ) as is_stranded
from (
    select id, updated_at, processing_status, source_etag
    from videos
    where processing_status = %(status)s and id > %(after)s
    order by id
    limit %(page)s
) as video
left join leases as lease on lease.video_id = video.id
order by video.id
"""

FIRST = UUID(int=0)
"""Before every id."""

BY_IDS = (
    SELECT_VIDEOS
    + """
where video.id = any(%(video_ids)s) and video.processing_status = %(status)s
"""
)

# Whoever held the video comes too late from here on. No row comes back while somebody
# holds it; the token never repeats.
FENCE_OFF = """
insert into leases (video_id, creator_id, owner, until, fencing_token)
values (%(video_id)s, %(creator_id)s, 'reaper:', now(), 1)
on conflict (video_id) do update
set owner = excluded.owner,
    until = excluded.until,
    fencing_token = leases.fencing_token + 1
where leases.until <= now()
returning fencing_token
"""

HOLD_UNMOVED = """
select from videos
where id = %(video_id)s
  and upload_number = %(upload_number)s
  and processing_status = %(status)s
  and requeues = %(requeues)s
for update
"""

REQUEUE = """
update videos
set processing_status = 'pending', requeues = requeues + 1
where id = %(video_id)s
"""

END_LEASE = """
update leases set until = now()
where split_part(owner, ':', 2) = %(run_id)s and until > now()
"""

SELECT_HOLDERS = """
select split_part(owner, ':', 2) from leases
where split_part(owner, ':', 2) = any(%(run_ids)s) and until > now()
"""


class PostgresStrandedVideos(Rows):
    """Satisfies `StrandedVideos`; `page` videos of a status are looked at a time."""

    def __init__(self, database: Database, *, page: int = PAGE) -> None:
        super().__init__(database)
        self._page = page

    def stranded(self, status: ProcessingStatus, after: UUID | None) -> StrandedPage:
        """The stranded ones of a page of the videos in `status`, by id."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                LOOK,
                {
                    "status": status.value,
                    "after": after or FIRST,
                    "patience": PATIENCE[status],
                    "upload_completed": UploadCompleted.name,
                    "page": self._page,
                },
            ).fetchall()
            last = rows[-1][0] if len(rows) == self._page else None
            found = [row[:3] for row in rows if row[3]]
            if len(found) > BATCH:
                found = found[:BATCH]
                last = found[-1][0]
            videos = {
                video.id: video
                for video in read_videos(
                    connection,
                    BY_IDS,
                    {"video_ids": [row[0] for row in found], "status": status.value},
                )
            }
        return StrandedPage(
            tuple(
                Stranded(videos[video_id], owner, since)
                for video_id, owner, since in found
                if video_id in videos
            ),
            last,
        )

    def held_by(self, run_ids: Sequence[str]) -> set[str]:
        """Those of the runs that hold a video just now."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_HOLDERS, {"run_ids": list(run_ids)}
            ).fetchall()
        return {row[0] for row in rows}

    def requeue(self, video: Video) -> bool:
        """Back to `pending` with an event of its own; fences off its last owner."""
        with self._database.transaction() as connection:
            token = _take_unmoved(connection, video)
            if token is None:
                return False
            connection.execute(REQUEUE, {"video_id": video.id})
            # Its count of requeues begins anew when a lesson is published; the run
            # key that this number goes into is launched once, for ever.
            write_event(
                connection,
                UploadCompleted(
                    video_id=video.id,
                    creator_id=video.creator_id,
                    video_url=video.storage_key,
                    auto_generate_quiz=video.auto_generate_quiz,
                    upload_number=video.upload_number,
                    requeue=token,
                ),
                deduplication_key=f"{run_key_of(video)}~{token}",
                creator_id=video.creator_id,
            )
            return True

    def give_up(self, video: Video, code: ErrorCode) -> bool:
        """Set `failed`; False, and nothing written, when it has moved since."""
        with self._database.transaction() as connection:
            if _take_unmoved(connection, video) is None:
                return False
            return fail_video(connection, video, code)

    def end_lease_of(self, run_id: str) -> None:
        """Let others have at once what a run held that is known to be dead."""
        with self._database.transaction() as connection:
            connection.execute(END_LEASE, {"run_id": run_id})


def _take_unmoved(connection: Connection, video: Video) -> int | None:
    """Fence its last owner off and lock the row till the commit; the new token.

    None, with the transaction undone, when somebody holds the video or has moved it.
    """
    fenced = connection.execute(
        FENCE_OFF, {"video_id": video.id, "creator_id": video.creator_id}
    ).fetchone()
    unmoved = connection.execute(
        HOLD_UNMOVED,
        {
            "video_id": video.id,
            "upload_number": video.upload_number,
            "status": video.processing_status.value,
            "requeues": video.requeues,
        },
    )
    if fenced is None or unmoved.rowcount == 0:
        connection.rollback()
        return None
    return int(fenced[0])
