"""Rows of `caption_tracks`."""

from uuid import UUID

from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.lessons.captions import CaptionTrack, Cue
from mentora_pipelines.domain.videos import Video

SELECT_TRACK = """
select language, storage_key, cues
from caption_tracks
where transcript_id = %(transcript_id)s and video_id = %(video_id)s
"""

UPSERT_TRACK = """
insert into caption_tracks (
    transcript_id, video_id, creator_id, language, storage_key, cues)
values (
    %(transcript_id)s, %(video_id)s, %(creator_id)s, %(language)s, %(storage_key)s,
    %(cues)s)
on conflict (transcript_id, language) do update
set storage_key = excluded.storage_key, cues = excluded.cues
"""


class CaptionRows(Rows):
    """Satisfies `CaptionStore`."""

    def caption_track(self, video: Video, transcript_id: UUID) -> CaptionTrack | None:
        """The track of a version, or None."""
        with self._database.transaction(video.creator_id) as connection:
            row = connection.execute(
                SELECT_TRACK, {"transcript_id": transcript_id, "video_id": video.id}
            ).fetchone()
        if row is None:
            return None
        language, storage_key, cues = row
        return CaptionTrack(language, storage_key, tuple(Cue(*cue) for cue in cues))

    def put_caption_track(
        self, video: Video, transcript_id: UUID, track: CaptionTrack
    ) -> None:
        """Store or replace the track of a version."""
        with self._database.transaction(video.creator_id) as connection:
            connection.execute(
                UPSERT_TRACK,
                {
                    "transcript_id": transcript_id,
                    "video_id": video.id,
                    "creator_id": video.creator_id,
                    "language": track.language,
                    "storage_key": track.storage_key,
                    "cues": Jsonb([[c.start_s, c.end_s, c.text] for c in track.cues]),
                },
            )
