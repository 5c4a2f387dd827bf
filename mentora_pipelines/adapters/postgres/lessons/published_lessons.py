"""The pointer that readers follow, and the facts that must hold before it moves."""

from psycopg.rows import class_row

from mentora_pipelines.adapters.postgres.database import Rows
from mentora_pipelines.adapters.postgres.events.events import write_event
from mentora_pipelines.adapters.postgres.lessons.leases import hold_fence
from mentora_pipelines.adapters.postgres.quizzes.quiz_evidence import (
    follow_published_words,
)
from mentora_pipelines.adapters.postgres.quizzes.quiz_requests import request_quiz
from mentora_pipelines.domain.events.payloads import TranscriptionCompleted
from mentora_pipelines.domain.lessons.published_lessons import LessonFacts
from mentora_pipelines.domain.videos import Video
from mentora_pipelines.errors import NotFound

SELECT_FACTS = """
with transcript as (
    select id, video_id, word_count, duration_s, segments
    from transcripts
    where id = %(transcript_id)s and video_id = %(video_id)s
),
segments as (
    select
        segment.ordinality as place,
        (segment.value ->> 'start')::float8 as start_s,
        (segment.value ->> 'end')::float8 as end_s,
        segment.value -> 'words' as words
    from transcript, jsonb_array_elements(transcript.segments)
        with ordinality as segment
),
words as (
    select
        (word.value ->> 1)::float8 as start_s,
        lag((word.value ->> 1)::float8) over (
            order by segments.place, word.ordinality) as previous_start_s
    from segments, jsonb_array_elements(segments.words) with ordinality as word
),
chunks as (
    select chunk_index, text_hash, start_timestamp, end_timestamp
    from transcript_chunks
    where transcript_id = %(transcript_id)s and cut = %(chunk_cut)s
),
cues as (
    select
        (cue.value ->> 0)::float8 as start_s,
        lag((cue.value ->> 1)::float8) over (order by cue.ordinality) as previous_end_s
    from caption_tracks, jsonb_array_elements(caption_tracks.cues)
        with ordinality as cue
    where caption_tracks.transcript_id = %(transcript_id)s
      and caption_tracks.cut = %(caption_cut)s
)
select
    transcript.word_count,
    transcript.duration_s,
    (select coalesce(max(end_s), 0) from segments) as speech_end_s,
    (select count(*) from words where start_s < previous_start_s)
        as words_out_of_order,
    (
        select count(*) from segments
        where not exists (
            select from chunks
            where segments.start_s >= chunks.start_timestamp
              and segments.end_s <= chunks.end_timestamp)
    ) as segments_outside_chunks,
    (select count(*) from chunks) as chunks,
    (
        select count(*) from chunks
        where not exists (
            select
            from embedding_generations as generation
            join chunk_embeddings as vector_row
                on vector_row.generation_id = generation.id
            where generation.status = 'active'
              and vector_row.video_id = %(video_id)s
              and vector_row.text_hash = chunks.text_hash
              and vector_dims(vector_row.embedding) = generation.dimensions
              and vector_norm(vector_row.embedding) > 0)
    ) as chunks_without_vector,
    (select count(*) from cues) as cues,
    (select count(*) from cues where start_s < previous_end_s) as cues_that_overlap
from transcript
"""

# A version of bytes that were replaced meanwhile stays hidden, and the video pending.
PUBLISH = """
update videos
set published_transcript_id = transcript.id,
    published_chunk_cut = videos.staged_chunk_cut,
    published_caption_cut = videos.staged_caption_cut,
    full_transcript = transcript.full_text,
    transcript_data = jsonb_build_object(
        'language', transcript.language,
        'duration', transcript.duration_s,
        'segments', transcript.segments),
    processing_status = 'completed',
    error_code = null,
    error_message = null,
    requeues = 0,
    processed_at = now()
from transcripts as transcript
where videos.id = %(video_id)s
  and videos.staged_transcript_id = %(transcript_id)s
  and videos.staged_chunk_cut = %(chunk_cut)s
  and videos.staged_caption_cut = %(caption_cut)s
  and transcript.id = %(transcript_id)s
  and transcript.source_hash = videos.source_hash
  and (videos.source_etag is null or videos.source_etag = videos.upload_etag)
returning videos.version, videos.auto_generate_quiz
"""


class PublishedLessonRows(Rows):
    """Satisfies `LessonFactsReader` and `LessonPublisher`."""

    def lesson_facts(self, video: Video) -> LessonFacts:
        """The facts of the staged version; raises `NotFound` when there is none."""
        with (
            self._database.transaction(video.creator_id) as connection,
            connection.cursor(row_factory=class_row(LessonFacts)) as cursor,
        ):
            facts = cursor.execute(
                SELECT_FACTS,
                _staged(video),
            ).fetchone()
        if facts is None:
            raise NotFound(f"video {video.id} has no transcript yet")
        return facts

    def publish(self, video: Video) -> bool:
        """Show the staged version and set `completed`, in one transaction.

        False, and nothing written, when another version was staged or other bytes
        were uploaded meanwhile.
        """
        transcript_id = video.staged_transcript_id
        parameters = _staged(video)
        with self._database.transaction(video.creator_id) as connection:
            hold_fence(connection, video)
            shown = connection.execute(PUBLISH, parameters).fetchone()
            if shown is None:
                return False
            follow_published_words(connection, video.id)
            row_version, auto_generate_quiz = shown
            write_event(
                connection,
                TranscriptionCompleted(
                    video_id=video.id,
                    transcript_url=f"transcripts/{transcript_id}",
                    transcript_version=transcript_id,
                ),
                # A version may be shown anew: its bytes come back, or it is restored.
                deduplication_key=f"{transcript_id}#{row_version}",
                creator_id=video.creator_id,
            )
            if auto_generate_quiz:
                request_quiz(connection, video)
            return True


def _staged(video: Video) -> dict[str, object]:
    """What names the staged version and how it was cut."""
    return {
        "video_id": video.id,
        "transcript_id": video.staged_transcript_id,
        "chunk_cut": video.staged_chunk_cut,
        "caption_cut": video.staged_caption_cut,
    }
