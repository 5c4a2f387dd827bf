"""Rows of `caption_tracks`."""

from typing import LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.domain.lessons.caption_rules import Cue
from mentora_pipelines.domain.lessons.captions import CaptionTrack
from mentora_pipelines.domain.videos import Video

# Of the published version what readers see, of a staged one what is staged.
SELECT_TRACK = """
select track.language, track.storage_key, track.cues
from caption_tracks as track
join videos as video on video.id = track.video_id
where track.transcript_id = %(transcript_id)s
  and track.video_id = %(video_id)s
  and track.cut = case track.transcript_id
      when video.published_transcript_id then video.published_caption_cut
      when video.staged_transcript_id then video.staged_caption_cut
  end
order by track.language
limit 1
"""

SELECT_STAGED_TRACK = """
select track.language, track.storage_key, track.cues
from caption_tracks as track
join videos as video
    on video.id = track.video_id
    and video.staged_transcript_id = track.transcript_id
    and video.staged_caption_cut = track.cut
where video.id = %(video_id)s
order by track.language
limit 1
"""

UPSERT_TRACK = """
insert into caption_tracks as stored (
    transcript_id, video_id, creator_id, language, cut, storage_key, cues)
values (
    %(transcript_id)s, %(video_id)s, %(creator_id)s, %(language)s, %(cut)s,
    %(storage_key)s, %(cues)s)
-- The row of a cut is what its name says: one that differs was damaged.
on conflict (transcript_id, language, cut) do update
set storage_key = excluded.storage_key, cues = excluded.cues
where (stored.storage_key, stored.cues)
    is distinct from (excluded.storage_key, excluded.cues)
"""

STAGE_CUT = """
update videos set staged_caption_cut = %(cut)s
where id = %(video_id)s
  and staged_transcript_id = %(transcript_id)s
  and staged_caption_cut <> %(cut)s
"""


class CaptionRows(Rows):
    """Satisfies `CaptionStore`."""

    def caption_track(self, video: Video, transcript_id: UUID) -> CaptionTrack | None:
        """The track of the published or the staged version, or None."""
        with self._database.transaction(video.creator_id) as connection:
            return _track(connection, SELECT_TRACK, video, transcript_id)

    def staged_caption_track(self, video: Video) -> CaptionTrack | None:
        """The track of the staged version as it was cut last, or None."""
        with self._database.transaction(video.creator_id) as connection:
            return _track(connection, SELECT_STAGED_TRACK, video)

    def put_caption_track(
        self, video: Video, transcript_id: UUID, track: CaptionTrack
    ) -> None:
        """Make `track` the staged one of a version; what readers see stays."""
        parameters = {
            "transcript_id": transcript_id,
            "video_id": video.id,
            "creator_id": video.creator_id,
            "language": track.language,
            "cut": track.cut,
            "storage_key": track.storage_key,
            "cues": Jsonb([[c.start_s, c.end_s, c.text] for c in track.cues]),
        }
        with self._database.transaction(video.creator_id) as connection:
            connection.execute(UPSERT_TRACK, parameters)
            connection.execute(STAGE_CUT, parameters)


def _track(
    connection: Connection,
    statement: LiteralString,
    video: Video,
    transcript_id: UUID | None = None,
) -> CaptionTrack | None:
    row = connection.execute(
        statement, {"transcript_id": transcript_id, "video_id": video.id}
    ).fetchone()
    if row is None:
        return None
    language, storage_key, cues = row
    return CaptionTrack(language, storage_key, tuple(Cue(*cue) for cue in cues))
