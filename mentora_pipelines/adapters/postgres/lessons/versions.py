"""Versions of a transcript: edited ones are added, earlier ones staged again."""

from uuid import UUID

from psycopg.rows import dict_row

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.adapters.postgres.lessons.transcripts import transcript_row
from mentora_pipelines.domain.lessons.transcripts import Origin, Transcript
from mentora_pipelines.domain.lessons.versions import StoredVersion
from mentora_pipelines.domain.videos import Video

INSERT_EDITED = """
insert into transcripts (
    id, video_id, creator_id, source_hash, fingerprint, origin, language,
    duration_s, word_count, full_text, segments, edited_from)
select
    %(id)s, %(video_id)s, %(creator_id)s, %(source_hash)s, %(fingerprint)s,
    %(origin)s, %(language)s, %(duration_s)s, %(word_count)s, %(full_text)s,
    %(segments)s, %(base_id)s
from videos
where id = %(video_id)s and staged_transcript_id = %(base_id)s
on conflict (id) do nothing
"""

# A compare-and-set: of two edits of one version the second finds the first in place.
STAGE_INSTEAD = """
update videos
set staged_transcript_id = transcript.id,
    processing_status = 'pending',
    error_code = null,
    error_message = null
from transcripts as transcript
where videos.id = %(video_id)s
  and videos.staged_transcript_id = %(base_id)s
  and videos.processing_status <> 'processing'
  and transcript.id = %(id)s
  and transcript.video_id = videos.id
  and transcript.source_hash = videos.source_hash
  and (videos.source_etag is null or videos.source_etag = videos.upload_etag)
"""

SELECT_HISTORY = """
select id, origin, fingerprint, source_hash, word_count, edited_from, created_at
from transcripts
where video_id = %(video_id)s
order by created_at desc, id
"""


class VersionRows(Rows):
    """Satisfies `VersionStore`, together with `TranscriptRows`."""

    def add_edited_transcript(
        self, video: Video, transcript: Transcript, base_id: UUID
    ) -> bool:
        """Store a version and stage it in place of `base_id`, in one transaction.

        The video is `pending` then. False, and nothing written, when `base_id` is not
        the staged one, or other bytes were uploaded.
        """
        with self._database.transaction(video.creator_id) as connection:
            connection.execute(
                INSERT_EDITED, {**transcript_row(transcript), "base_id": base_id}
            )
            staged = _stage_instead(connection, video, transcript.id, base_id)
            if not staged:
                connection.rollback()
        return staged

    def stage_instead(self, video: Video, transcript_id: UUID, current: UUID) -> bool:
        """Stage a stored version in place of `current`; as `add_edited_transcript`."""
        with self._database.transaction(video.creator_id) as connection:
            return _stage_instead(connection, video, transcript_id, current)

    def transcript_history(self, video: Video) -> list[StoredVersion]:
        """Every version of a video, newest first."""
        with (
            self._database.transaction(video.creator_id) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(SELECT_HISTORY, {"video_id": video.id}).fetchall()
        return [
            StoredVersion(**{**row, "origin": Origin(row["origin"])}) for row in rows
        ]


def _stage_instead(
    connection: Connection, video: Video, transcript_id: UUID, base_id: UUID
) -> bool:
    return (
        connection.execute(
            STAGE_INSTEAD,
            {"video_id": video.id, "id": transcript_id, "base_id": base_id},
        ).rowcount
        == 1
    )
