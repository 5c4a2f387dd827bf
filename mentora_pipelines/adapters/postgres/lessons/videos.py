"""Rows of `videos` that a run changes: its status and what it took in."""

from contextlib import suppress

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.adapters.postgres.lessons.leases import hold_fence
from mentora_pipelines.adapters.postgres.operations.email_outbox import write_mail
from mentora_pipelines.domain.operations.mail import failure_mail
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import CREATOR_SENTENCES, ErrorCode, InvalidInput

MARK_PROCESSING = """
update videos
set processing_status = 'processing', error_code = null, error_message = null
where id = %(video_id)s
  and upload_number = %(upload_number)s
  and processing_status <> 'processing'
"""

MARK_FAILED = """
update videos
set processing_status = 'failed', error_code = %(code)s, error_message = %(sentence)s
where id = %(video_id)s
  and upload_number = %(upload_number)s
  and (processing_status <> 'failed' or error_code <> %(code)s)
"""

RECORD_SOURCE = """
update videos
set source_etag = %(etag)s,
    source_hash = %(source_hash)s,
    audio_key = %(audio_key)s,
    duration_s = %(duration_s)s
where id = %(video_id)s
  and upload_number = %(upload_number)s
"""


class VideoRows(Rows):
    """Satisfies `VideoStatus` and `AudioStore`."""

    def mark_processing(self, video: Video) -> None:
        """Set `processing` and clear an earlier error, unless overtaken."""
        with self._database.transaction(video.creator_id) as connection:
            hold_fence(connection, video)
            connection.execute(
                MARK_PROCESSING,
                {"video_id": video.id, "upload_number": video.upload_number},
            )

    def mark_failed(self, video: Video, code: ErrorCode) -> None:
        """Set `failed` with the code and the creator's sentence, unless overtaken."""
        with self._database.transaction(video.creator_id) as connection:
            hold_fence(connection, video)
            fail_video(connection, video, code)

    def record_source(
        self,
        video: Video,
        *,
        etag: str,
        source_hash: str,
        audio_key: str,
        duration_s: float,
    ) -> None:
        """Make these bytes the newest ones of the video, unless overtaken."""
        with self._database.transaction(video.creator_id) as connection:
            hold_fence(connection, video)
            connection.execute(
                RECORD_SOURCE,
                {
                    "video_id": video.id,
                    "upload_number": video.upload_number,
                    "etag": etag,
                    "source_hash": source_hash,
                    "audio_key": audio_key,
                    "duration_s": duration_s,
                },
            )


def fail_video(connection: Connection, video: Video, code: ErrorCode) -> bool:
    """Set `failed` with the code and the creator's sentence, and write the one mail.

    False, and nothing written, when a newer upload has come or it is set already.
    """
    failed = connection.execute(
        MARK_FAILED,
        {
            "video_id": video.id,
            "upload_number": video.upload_number,
            "code": code.value,
            "sentence": CREATOR_SENTENCES[code],
        },
    )
    if failed.rowcount == 0:
        return False
    # An address that cannot be written to must not keep the lesson from failing.
    with suppress(InvalidInput):
        write_mail(connection, failure_mail(video, code))
    return True
