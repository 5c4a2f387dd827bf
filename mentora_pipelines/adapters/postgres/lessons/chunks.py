"""Rows of `transcript_chunks`."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from mentora_pipelines.adapters.postgres.database import Connection, Rows
from mentora_pipelines.domain.identity import chunk_ids_of
from mentora_pipelines.domain.lessons.chunks import Chunk, cut_of
from mentora_pipelines.domain.videos import Video

# Of the published version what readers see, of a staged one what is staged.
SELECT_CHUNKS = """
select chunk_index, chunk_text, start_timestamp, end_timestamp, token_count, topic_tags
from transcript_chunks as chunk
join videos as video on video.id = chunk.video_id
where chunk.transcript_id = %(transcript_id)s
  and chunk.video_id = %(video_id)s
  and chunk.cut = case chunk.transcript_id
      when video.published_transcript_id then video.published_chunk_cut
      when video.staged_transcript_id then video.staged_chunk_cut
  end
order by chunk_index
"""

SELECT_STAGED_CHUNKS = """
select chunk_index, chunk_text, start_timestamp, end_timestamp, token_count, topic_tags
from transcript_chunks as chunk
join videos as video
    on video.id = chunk.video_id
    and video.staged_transcript_id = chunk.transcript_id
    and video.staged_chunk_cut = chunk.cut
where video.id = %(video_id)s
order by chunk_index
"""

# COPY does not write to a table with row-level security, so it fills a table of this
# transaction; from there only what differs is written.
CREATE_INCOMING = """
create temporary table incoming (
    id uuid, chunk_index int, chunk_text text, text_hash text, token_count int,
    start_timestamp float8, end_timestamp float8, topic_tags text[]) on commit drop
"""

COPY_INCOMING = """
copy incoming (
    id, chunk_index, chunk_text, text_hash, token_count, start_timestamp,
    end_timestamp, topic_tags)
from stdin (format binary)
"""

COPY_TYPES = ("uuid", "int4", "text", "text", "int4", "float8", "float8", "text[]")

# Two writers of a version take turns, so that rows are inserted without ON CONFLICT,
# which looks for each row twice and writes a second record for it.
LOCK_VERSION = """
select from transcripts
where id = %(transcript_id)s and video_id = %(video_id)s
for no key update
"""

# The rows of a cut are what its name says: one that differs was damaged.
MEND_DAMAGED = """
update transcript_chunks as stored
set chunk_text = incoming.chunk_text,
    text_hash = incoming.text_hash,
    tsv = case
        when stored.text_hash = incoming.text_hash then stored.tsv
        else to_tsvector(
            search_configuration(transcript.language), incoming.chunk_text)
    end,
    token_count = incoming.token_count,
    start_timestamp = incoming.start_timestamp,
    end_timestamp = incoming.end_timestamp,
    topic_tags = incoming.topic_tags
from incoming, transcripts as transcript
where stored.id = incoming.id
  and transcript.id = %(transcript_id)s
  and stored.transcript_id = %(transcript_id)s
  and stored.cut = %(cut)s
  and (stored.text_hash, stored.token_count, stored.start_timestamp,
       stored.end_timestamp, stored.topic_tags)
      is distinct from (incoming.text_hash, incoming.token_count,
       incoming.start_timestamp, incoming.end_timestamp, incoming.topic_tags)
"""

INSERT_NEW = """
insert into transcript_chunks (
    id, transcript_id, video_id, creator_id, cut, chunk_index, chunk_text, text_hash,
    tsv, token_count, start_timestamp, end_timestamp, topic_tags)
select
    incoming.id, %(transcript_id)s, %(video_id)s, %(creator_id)s, %(cut)s, chunk_index,
    chunk_text, text_hash,
    -- Parsing is the dearest part of a row: another cut may hold the text.
    coalesce(
        (
            select earlier.tsv
            from transcript_chunks as earlier
            join transcripts as heard on heard.id = earlier.transcript_id
            where earlier.video_id = %(video_id)s
              and earlier.text_hash = incoming.text_hash
              and heard.language = transcript.language
            limit 1
        ),
        to_tsvector(search_configuration(transcript.language), chunk_text)),
    token_count, start_timestamp, end_timestamp, topic_tags
from incoming, transcripts as transcript
where transcript.id = %(transcript_id)s
  and not exists (
    select from transcript_chunks as stored
    where stored.transcript_id = %(transcript_id)s
      and stored.cut = %(cut)s
      and stored.chunk_index = incoming.chunk_index)
"""

STAGE_CUT = """
update videos set staged_chunk_cut = %(cut)s
where id = %(video_id)s
  and staged_transcript_id = %(transcript_id)s
  and staged_chunk_cut <> %(cut)s
"""


class ChunkRows(Rows):
    """Satisfies `ChunkStore`."""

    def chunks(self, video: Video, transcript_id: UUID) -> list[Chunk]:
        """The chunks of the published or the staged version, by index, else none."""
        with self._database.transaction(video.creator_id) as connection:
            return _chunks(connection, SELECT_CHUNKS, video, transcript_id)

    def staged_chunks(self, video: Video) -> list[Chunk]:
        """The chunks of the staged version as they were cut last, by index."""
        with self._database.transaction(video.creator_id) as connection:
            return _chunks(connection, SELECT_STAGED_CHUNKS, video)

    def replace_chunks(
        self, video: Video, transcript_id: UUID, chunks: Sequence[Chunk]
    ) -> int:
        """Make `chunks` the staged ones of a version; returns the rows written.

        In one transaction; what readers see stays until it is published.
        """
        cut = cut_of(chunks)
        with self._database.transaction(video.creator_id) as connection:
            parameters = {
                "transcript_id": transcript_id,
                "video_id": video.id,
                "creator_id": video.creator_id,
                "cut": cut,
            }
            connection.execute(LOCK_VERSION, parameters)
            connection.execute(CREATE_INCOMING)
            ids = chunk_ids_of(transcript_id, [chunk.index for chunk in chunks], cut)
            with connection.cursor().copy(COPY_INCOMING) as copy:
                copy.set_types(COPY_TYPES)
                for chunk_id, chunk in zip(ids, chunks, strict=True):
                    copy.write_row(
                        (
                            chunk_id,
                            chunk.index,
                            chunk.text,
                            chunk.text_hash,
                            chunk.token_count,
                            chunk.start_s,
                            chunk.end_s,
                            list(chunk.topic_tags),
                        )
                    )
            written = (
                connection.execute(MEND_DAMAGED, parameters).rowcount
                + connection.execute(INSERT_NEW, parameters).rowcount
            )
            connection.execute(STAGE_CUT, parameters)
        return written


def _chunks(
    connection: Connection,
    statement: LiteralString,
    video: Video,
    transcript_id: UUID | None = None,
) -> list[Chunk]:
    rows = connection.execute(
        statement, {"transcript_id": transcript_id, "video_id": video.id}
    )
    return [
        Chunk(index, text, start_s, end_s, tokens, tuple(tags))
        for index, text, start_s, end_s, tokens, tags in rows
    ]
