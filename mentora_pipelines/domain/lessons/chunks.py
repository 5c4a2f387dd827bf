"""Chunks: stretches of a lesson long enough to mean something on their own.

Here belong the packing of sentences into chunks and their shape. Not here: the
tokenizer (a port, `TokenCounter`) or the vectors of the chunks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.key_terms import topic_tags
from mentora_pipelines.domain.lessons.transcripts import Segment, Transcript
from mentora_pipelines.domain.videos import Video

BLOCK_S = 45.0
"""Longest stretch gathered into one chunk: at 150 spoken words a minute about 110
words, which the embedding model (256 tokens) reads whole and a student takes in."""

BLOCK_MIN_S = 20.0
"""A pause ends a chunk only after this much, so that slow speakers get no crumbs."""

PAUSE_S = 2.0
"""A silence this long between sentences is a change of subject or of slide."""

MIN_CHUNK_S = 0.001
"""A recogniser gives a short last word no length at times; a chunk must have one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a transcript; times in seconds, `index` counts from 0."""

    index: int
    text: str
    start_s: float
    end_s: float
    token_count: int
    topic_tags: tuple[str, ...]

    @property
    def text_hash(self) -> str:
        """SHA-256 of the text: the name under which its vector is stored."""
        return content_hash(self.text)


@runtime_checkable
class TokenCounter(Protocol):
    """Counts tokens as the embedding model does."""

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the model reads; it ignores the rest."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the model's own marks at start and end."""
        ...


@runtime_checkable
class ChunkStore(Protocol):
    """Keeps the chunks of each transcript version."""

    def chunks(self, video: Video, transcript_id: UUID) -> list[Chunk]:
        """The chunks of a version, by index; empty when there are none."""
        ...

    def replace_chunks(
        self, video: Video, transcript_id: UUID, chunks: Sequence[Chunk]
    ) -> None:
        """Make `chunks` all the chunks of a version, in one transaction."""
        ...


@dataclass(frozen=True, slots=True)
class ChunkFigures:
    """What one run of `chunk_lesson` made; `written` counts rows."""

    chunks: tuple[Chunk, ...]
    written: int


def chunk_lesson(
    transcript: Transcript, video: Video, *, counter: TokenCounter, store: ChunkStore
) -> ChunkFigures:
    """Chunk a transcript version; writes only when the stored chunks differ."""
    packed = pack_segments(
        transcript.segments,
        counter.count_tokens([segment.text for segment in transcript.segments]),
        counter.max_tokens,
    )
    tags = topic_tags([chunk.text for chunk in packed], transcript.language)
    chunks = tuple(
        replace(chunk, topic_tags=chunk_tags)
        for chunk, chunk_tags in zip(packed, tags, strict=True)
    )
    if list(chunks) == store.chunks(video, transcript.id):
        return ChunkFigures(chunks, written=0)
    store.replace_chunks(video, transcript.id, chunks)
    return ChunkFigures(chunks, written=len(chunks))


def pack_segments(
    segments: Sequence[Segment], token_counts: Sequence[int], max_tokens: int
) -> list[Chunk]:
    """Pack whole sentences into chunks, in one pass over them.

    Sentences are first gathered by their times alone (`BLOCK_S`, `PAUSE_S`), and a
    block with more than `max_tokens` is then cut at a sentence. So an edit of the
    text moves no border outside its own block, and only that block's chunks get
    another text. A single sentence above the limit stays whole. Every segment is in
    exactly one chunk; chunks follow each other in time and `start_s < end_s`.
    """
    chunks: list[Chunk] = []
    group: list[Segment] = []
    tokens = 0
    block_start = heard_until = 0.0
    for segment, count in zip(segments, token_counts, strict=True):
        if group:
            block_ends = segment.end_s - block_start > BLOCK_S or (
                segment.start_s - heard_until >= PAUSE_S
                and heard_until - block_start >= BLOCK_MIN_S
            )
            if block_ends or tokens + count > max_tokens:
                chunks.append(_chunk(len(chunks), group, tokens))
                group = []
                tokens = 0
                if block_ends:
                    block_start = segment.start_s
        else:
            block_start = segment.start_s
        group.append(segment)
        tokens += count
        heard_until = max(heard_until, segment.end_s)
    if group:
        chunks.append(_chunk(len(chunks), group, tokens))
    return chunks


def _chunk(index: int, group: Sequence[Segment], tokens: int) -> Chunk:
    start_s = group[0].start_s
    return Chunk(
        index=index,
        text=" ".join(segment.text for segment in group),
        start_s=start_s,
        end_s=max(start_s + MIN_CHUNK_S, *(segment.end_s for segment in group)),
        token_count=tokens,
        topic_tags=(),
    )
