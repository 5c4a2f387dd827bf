"""Videos that nobody holds, as the admin role."""

from collections.abc import Sequence

from mentora_pipelines.adapters.postgres.catalogue import SELECT_VIDEOS, read_videos
from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.events import write_event
from mentora_pipelines.adapters.postgres.videos import fail_video
from mentora_pipelines.domain.events.payloads import UploadCompleted
from mentora_pipelines.domain.stranded_videos import (
    BATCH,
    FORGOTTEN_AFTER,
    LOST_AFTER,
)
from mentora_pipelines.domain.uploads import run_key_of
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import ErrorCode

SELECT_STRANDED = (
    SELECT_VIDEOS
    + """
left join leases as lease on lease.video_id = video.id
where case video.processing_status
    when 'processing' then
        greatest(lease.until, video.updated_at) < now() - %(lost_after)s
    when 'pending' then
        greatest(lease.until, video.updated_at) < now() - %(forgotten_after)s
        and not exists (
            select from events
            where events.name = %(upload_completed)s
              and events.status = 'pending'
              and events.payload ->> 'videoId' = video.id::text)
    end
and video.processing_status in ('pending', 'processing')
order by video.updated_at
limit %(limit)s
"""
)

REQUEUE = """
update videos
set processing_status = 'pending', requeues = requeues + 1
where id = %(video_id)s
  and upload_number = %(upload_number)s
  and processing_status = %(status)s
  and requeues = %(requeues)s
"""

# Whoever held the video comes too late from here on.
FENCE_OFF = """
update leases
set fencing_token = fencing_token + 1, owner = 'reaper:', until = now()
where video_id = %(video_id)s and until <= now()
"""

END_LEASE = """
update leases set until = now()
where split_part(owner, ':', 2) = %(run_id)s and until > now()
"""

SELECT_HOLDERS = """
select split_part(owner, ':', 2) from leases
where split_part(owner, ':', 2) = any(%(run_ids)s) and until > now()
"""

HAS_LEASE = "select from leases where video_id = %(video_id)s"


class PostgresStrandedVideos(Rows):
    """Satisfies `StrandedVideos`."""

    def stranded(self) -> list[Video]:
        """Videos on their way that no lease and no waiting event stands for."""
        with self._database.transaction() as connection:
            return read_videos(
                connection,
                SELECT_STRANDED,
                {
                    "lost_after": LOST_AFTER,
                    "forgotten_after": FORGOTTEN_AFTER,
                    "upload_completed": UploadCompleted.name,
                    "limit": BATCH,
                },
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
            fenced = connection.execute(FENCE_OFF, {"video_id": video.id})
            if fenced.rowcount == 0 and (
                connection.execute(HAS_LEASE, {"video_id": video.id}).rowcount > 0
            ):
                return False
            moved = connection.execute(
                REQUEUE,
                {
                    "video_id": video.id,
                    "upload_number": video.upload_number,
                    "status": video.processing_status.value,
                    "requeues": video.requeues,
                },
            )
            if moved.rowcount == 0:
                return False
            requeue = video.requeues + 1
            write_event(
                connection,
                UploadCompleted(
                    video_id=video.id,
                    creator_id=video.creator_id,
                    video_url=video.storage_key,
                    auto_generate_quiz=video.auto_generate_quiz,
                    upload_number=video.upload_number,
                    requeue=requeue,
                ),
                deduplication_key=f"{run_key_of(video)}~{requeue}",
                creator_id=video.creator_id,
            )
            return True

    def give_up(self, video: Video, code: ErrorCode) -> bool:
        """Set `failed`; False when the video has moved since it was read."""
        with self._database.transaction() as connection:
            connection.execute(FENCE_OFF, {"video_id": video.id})
            return fail_video(connection, video, code)

    def end_lease_of(self, run_id: str) -> None:
        """Let others have at once what a run held that is known to be dead."""
        with self._database.transaction() as connection:
            connection.execute(END_LEASE, {"run_id": run_id})
