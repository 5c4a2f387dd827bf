"""Rows of `transcripts`: versions are added and staged, never changed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.adapters.postgres.lessons.leases import hold_fence
from mentora_pipelines.domain.lessons.transcripts import (
    Doubt,
    DoubtKind,
    Origin,
    Segment,
    Transcript,
    TranscriptVersion,
    Word,
)
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import NotFound

SELECT_TRANSCRIPT = """
select source_hash, fingerprint, origin, language, duration_s, segments
from transcripts
where id = %(transcript_id)s and video_id = %(video_id)s
"""

SELECT_VERSION = """
select id, source_hash, fingerprint, origin
from transcripts
where id = %(transcript_id)s and video_id = %(video_id)s
"""

INSERT_TRANSCRIPT = """
insert into transcripts (
    id, video_id, creator_id, source_hash, fingerprint, origin, language,
    duration_s, word_count, full_text, segments)
values (
    %(id)s, %(video_id)s, %(creator_id)s, %(source_hash)s, %(fingerprint)s,
    %(origin)s, %(language)s, %(duration_s)s, %(word_count)s, %(full_text)s,
    %(segments)s)
on conflict (id) do nothing
"""

STAGE_TRANSCRIPT = """
update videos set staged_transcript_id = transcript.id
from transcripts as transcript
where videos.id = %(video_id)s
  and transcript.id = %(transcript_id)s
  -- A run that was overtaken while it listened stages nothing.
  and transcript.source_hash = videos.source_hash
  and videos.staged_transcript_id is distinct from transcript.id
"""

DOUBT_KINDS = frozenset(map(str, DoubtKind))

FORGET_WINDOWS = "delete from recognised_windows where video_id = %(video_id)s"


class TranscriptRows(Rows):
    """Satisfies `TranscriptStore`."""

    def transcript(self, video: Video, transcript_id: UUID) -> Transcript:
        """A version with its words; raises `NotFound`."""
        with self._database.transaction(video.creator_id) as connection:
            row = connection.execute(
                SELECT_TRANSCRIPT,
                {"transcript_id": transcript_id, "video_id": video.id},
            ).fetchone()
        if row is None:
            raise NotFound(f"video {video.id} has no transcript {transcript_id}")
        source_hash, fingerprint, origin, language, duration_s, segments = row
        return Transcript(
            id=transcript_id,
            video_id=video.id,
            creator_id=video.creator_id,
            source_hash=source_hash,
            fingerprint=fingerprint,
            origin=Origin(origin),
            language=language,
            duration_s=duration_s,
            segments=tuple(_segment(segment) for segment in segments),
        )

    def transcript_version(
        self, video: Video, transcript_id: UUID
    ) -> TranscriptVersion | None:
        """What is known of a version, or None."""
        with (
            self._database.transaction(video.creator_id) as connection,
            connection.cursor(row_factory=class_row(TranscriptVersion)) as cursor,
        ):
            return cursor.execute(
                SELECT_VERSION, {"transcript_id": transcript_id, "video_id": video.id}
            ).fetchone()

    def stage_transcript(self, video: Video, transcript_id: UUID) -> None:
        """Make a stored version the one that the next steps work on."""
        with self._database.transaction(video.creator_id) as connection:
            _stage(connection, video, transcript_id)

    def add_transcript(self, video: Video, transcript: Transcript) -> None:
        """Store a version and stage it, in one transaction; a stored one stays."""
        with self._database.transaction(video.creator_id) as connection:
            connection.execute(INSERT_TRANSCRIPT, transcript_row(transcript))
            # What it was made of is needed no more.
            connection.execute(FORGET_WINDOWS, {"video_id": video.id})
            _stage(connection, video, transcript.id)


def _stage(connection: Connection, video: Video, transcript_id: UUID) -> None:
    hold_fence(connection, video)
    connection.execute(
        STAGE_TRANSCRIPT, {"transcript_id": transcript_id, "video_id": video.id}
    )


def transcript_row(transcript: Transcript) -> dict[str, object]:
    """A version as it is stored."""
    return {
        "id": transcript.id,
        "video_id": transcript.video_id,
        "creator_id": transcript.creator_id,
        "source_hash": transcript.source_hash,
        "fingerprint": transcript.fingerprint,
        "origin": transcript.origin.value,
        "language": transcript.language,
        "duration_s": transcript.duration_s,
        "word_count": transcript.word_count,
        "full_text": transcript.text,
        "segments": Jsonb([_json(segment) for segment in transcript.segments]),
    }


def _json(segment: Segment) -> dict[str, Any]:
    row = {
        "text": segment.text,
        "start": segment.start_s,
        "end": segment.end_s,
        "words": words_as_json(segment.words),
    }
    if segment.doubts:
        row["doubts"] = doubts_as_json(segment.doubts)
    return row


def _segment(row: dict[str, Any]) -> Segment:
    return Segment(
        text=row["text"],
        start_s=row["start"],
        end_s=row["end"],
        words=tuple(Word(*word) for word in row["words"]),
        doubts=doubts_from_json(row.get("doubts", [])),
    )


def words_as_json(words: Sequence[Word]) -> list[list[str | float]]:
    """The words as they are stored: [word, start, end, probability]."""
    return [[word.text, word.start_s, word.end_s, word.probability] for word in words]


def doubts_as_json(doubts: Sequence[Doubt]) -> list[list[str | float]]:
    """Doubts as they are stored: [kind, start, end, value]."""
    return [[doubt.kind, doubt.start_s, doubt.end_s, doubt.value] for doubt in doubts]


def doubts_from_json(rows: Sequence[Any]) -> tuple[Doubt, ...]:
    """Stored doubts; those of a kind that this code does not know are left out."""
    return tuple(
        Doubt(DoubtKind(kind), start_s, end_s, value)
        for kind, start_s, end_s, value in rows
        if kind in DOUBT_KINDS
    )
