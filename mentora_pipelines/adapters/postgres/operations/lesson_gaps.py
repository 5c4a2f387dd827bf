"""Gaps in completed lessons, found in SQL, a page of lessons at a time.

Transcripts are long: a statement over all of them would outlive its time limit.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import LiteralString
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.domain.operations.lesson_gaps import EXAMPLES, Gap, GapKind

PAGE_LESSONS = 200
"""Lessons a statement: about a second of parsing transcripts."""

SELECT_PAGE = """
select id from videos
where processing_status = 'completed' and (%(after)s::uuid is null or id > %(after)s)
order by id
limit %(limit)s
"""

STALE_EMBEDDINGS: LiteralString = """
select distinct video.id
from videos as video
join transcript_chunks as chunk
    on chunk.transcript_id = video.published_transcript_id
    and chunk.cut = video.published_chunk_cut
where video.id = any(%(ids)s)
  and not exists (
      select from embedding_generations as generation
      join chunk_embeddings as vector_row on vector_row.generation_id = generation.id
      where generation.status = 'active'
        and vector_row.video_id = chunk.video_id
        and vector_row.text_hash = chunk.text_hash)
"""

MISSING_CAPTIONS: LiteralString = """
select video.id from videos as video
where video.id = any(%(ids)s)
  and not exists (
      select from caption_tracks as track
      where track.transcript_id = video.published_transcript_id
        and track.cut = video.published_caption_cut)
"""

UNCOVERED_SPEECH: LiteralString = """
select video.id
from videos as video
join transcripts as transcript on transcript.id = video.published_transcript_id
where video.id = any(%(ids)s)
  and exists (
      select from jsonb_array_elements(transcript.segments) as segment
      where not exists (
          select from transcript_chunks as chunk
          where chunk.transcript_id = transcript.id
            and chunk.cut = video.published_chunk_cut
            and (segment.value ->> 'start')::float8 >= chunk.start_timestamp
            and (segment.value ->> 'end')::float8 <= chunk.end_timestamp))
"""

STALE_QUIZZES: LiteralString = """
select distinct video_id from quizzes
where video_id = any(%(ids)s) and status = 'stale'
"""

STATEMENTS = {
    GapKind.STALE_EMBEDDINGS: STALE_EMBEDDINGS,
    GapKind.MISSING_CAPTIONS: MISSING_CAPTIONS,
    GapKind.UNCOVERED_SPEECH: UNCOVERED_SPEECH,
    GapKind.STALE_QUIZZES: STALE_QUIZZES,
}


class LessonGapRows(Rows):
    """Satisfies `GapFinder`, as the admin role."""

    def gaps(self) -> Mapping[GapKind, Gap]:
        """Every kind, those without a lesson too."""
        counts: dict[GapKind, int] = defaultdict(int)
        examples: dict[GapKind, list[UUID]] = defaultdict(list)
        after: UUID | None = None
        while ids := self._page(after):
            for kind, statement in STATEMENTS.items():
                with self._database.transaction() as connection:
                    found = connection.execute(statement, {"ids": ids}).fetchall()
                counts[kind] += len(found)
                room = EXAMPLES - len(examples[kind])
                examples[kind] += sorted(video_id for (video_id,) in found)[:room]
            after = ids[-1]
        return {kind: Gap(counts[kind], tuple(examples[kind])) for kind in GapKind}

    def _page(self, after: UUID | None) -> list[UUID]:
        with self._database.transaction() as connection:
            rows = connection.execute(
                SELECT_PAGE, {"after": after, "limit": PAGE_LESSONS}
            ).fetchall()
        return [video_id for (video_id,) in rows]
