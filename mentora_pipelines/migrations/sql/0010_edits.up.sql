-- Edited transcripts, and chunks and captions that stay what they were once readers
-- follow them: a cutting is named by its contents, and the video points to one.

alter table transcripts
    add column edited_from uuid,
    add foreign key (creator_id, video_id, edited_from)
        references transcripts (creator_id, video_id, id) deferrable initially deferred;
create index idx_transcripts_edited_from on transcripts (edited_from);
comment on column transcripts.edited_from is
    'The version that a person corrected to get this one; NULL of a recognised one.';

alter table transcript_chunks add column cut text not null default '';
alter table transcript_chunks
    drop constraint transcript_chunks_transcript_id_chunk_index_key,
    add unique (transcript_id, cut, chunk_index);
comment on column transcript_chunks.cut is
    'Which cutting of the version it belongs to: SHA-256 of all its chunks; empty of the oldest.';
comment on column transcript_chunks.id is 'Follows from the transcript version, cut and chunk_index.';
comment on table transcript_chunks is
    'Chunks of each cutting of each transcript version, never changed once published; times in seconds.';

alter table caption_tracks add column cut text not null default '';
alter table caption_tracks
    drop constraint caption_tracks_pkey,
    add primary key (transcript_id, language, cut);
comment on column caption_tracks.cut is
    'Which cutting of the version it belongs to: SHA-256 of the track; empty of the oldest.';

alter table videos
    add column staged_chunk_cut text not null default '',
    add column staged_caption_cut text not null default '',
    add column published_chunk_cut text not null default '',
    add column published_caption_cut text not null default '';
comment on column videos.staged_chunk_cut is 'The cutting of the staged version into chunks.';
comment on column videos.staged_caption_cut is 'The cutting of the staged version into captions.';
comment on column videos.published_chunk_cut is 'The chunks that readers see, of the published version.';
comment on column videos.published_caption_cut is 'The captions that readers see, of the published version.';

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
join transcript_chunks as chunk
    on chunk.transcript_id = video.published_transcript_id
    and chunk.cut = video.published_chunk_cut
join embedding_generations as generation on generation.status = 'active'
join chunk_embeddings as vector_row
    on vector_row.generation_id = generation.id
    and vector_row.video_id = chunk.video_id
    and vector_row.text_hash = chunk.text_hash;

create view video_captions with (security_invoker = true) as
select
    track.video_id,
    track.creator_id,
    track.language,
    track.storage_key,
    track.cues
from videos as video
join caption_tracks as track
    on track.transcript_id = video.published_transcript_id
    and track.cut = video.published_caption_cut;
grant select on video_captions to mentora_app, mentora_admin;
comment on view video_captions is 'The published captions of each video, one language each.';
comment on column video_captions.video_id is 'The video.';
comment on column video_captions.creator_id is 'The creator of the video.';
comment on column video_captions.language is 'Language of the captions, as en.';
comment on column video_captions.storage_key is 'Key of the WebVTT file in object storage.';
comment on column video_captions.cues is '[[start, end, text]], times in seconds.';
