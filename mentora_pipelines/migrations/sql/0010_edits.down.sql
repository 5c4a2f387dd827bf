drop view video_captions;

create or replace view video_chunks with (security_invoker = true) as
select
    chunk.id,
    chunk.video_id,
    chunk.creator_id,
    chunk.chunk_text,
    chunk.chunk_index,
    chunk.start_timestamp,
    chunk.end_timestamp,
    vector_row.embedding,
    chunk.topic_tags
from videos as video
join transcript_chunks as chunk on chunk.transcript_id = video.published_transcript_id
join embedding_generations as generation on generation.status = 'active'
join chunk_embeddings as vector_row
    on vector_row.generation_id = generation.id
    and vector_row.video_id = chunk.video_id
    and vector_row.text_hash = chunk.text_hash;

-- Of several cuttings of a version the one stays that readers see, else the first.
delete from caption_tracks as track
using videos as video
where video.id = track.video_id
  and track.cut <> case
      when video.published_transcript_id = track.transcript_id
          then video.published_caption_cut
      else (
          select min(other.cut) from caption_tracks as other
          where other.transcript_id = track.transcript_id)
  end;
alter table caption_tracks drop constraint caption_tracks_pkey;
alter table caption_tracks drop column cut;
alter table caption_tracks add primary key (transcript_id, language);

delete from transcript_chunks as chunk
using videos as video
where video.id = chunk.video_id
  and chunk.cut <> case
      when video.published_transcript_id = chunk.transcript_id
          then video.published_chunk_cut
      else (
          select min(other.cut) from transcript_chunks as other
          where other.transcript_id = chunk.transcript_id)
  end;
alter table transcript_chunks
    drop constraint transcript_chunks_transcript_id_cut_chunk_index_key;
alter table transcript_chunks drop column cut;
alter table transcript_chunks add unique (transcript_id, chunk_index);
comment on column transcript_chunks.id is 'Follows from the transcript version and chunk_index.';
comment on table transcript_chunks is 'Chunks of each transcript version; times in seconds.';

alter table videos
    drop column staged_chunk_cut,
    drop column staged_caption_cut,
    drop column published_chunk_cut,
    drop column published_caption_cut;

alter table transcripts drop column edited_from;
