"""Chunks: stretches of a lesson long enough to mean something on their own.

Here belong the packing of sentences into chunks and their shape. Not here: the
tokenizer (a port, `TokenCounter`) or the vectors of the chunks.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import content_hash
from mentora_pipelines.domain.lessons.transcripts import Segment, Transcript
from mentora_pipelines.domain.terms.key_terms import topic_tags
from mentora_pipelines.domain.videos import Video

PERIOD_S = 36.0
"""Each stretch of the lesson this long has one border between chunks: at 150 spoken
words a minute a chunk is about 90 words, at most 120, which the embedding model (256
tokens) reads whole and a student takes in."""

CHOICE_S = 12.0
"""The last part of a period, in which the longest pause is chosen for the border."""

SILENCE_S = 12.0
"""A silence this long is a border wherever it is: no chunk should stand over it."""

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
    """Keeps the chunks of each transcript version, and of each way to cut it."""

    def chunks(self, video: Video, transcript_id: UUID) -> list[Chunk]:
        """The chunks of a version, by index.

        Those that readers see if it is published, else the staged ones; of a version
        that is neither there are none.
        """
        ...

    def staged_chunks(self, video: Video) -> list[Chunk]:
        """The chunks of the staged version as they were cut last, by index."""
        ...

    def replace_chunks(
        self, video: Video, transcript_id: UUID, chunks: Sequence[Chunk]
    ) -> int:
        """Make `chunks` the staged ones of a version; returns the rows written.

        In one transaction; what readers see stays until it is published.
        """
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
    chunks = cut_chunks(transcript, counter)
    if list(chunks) == store.staged_chunks(video):
        return ChunkFigures(chunks, written=0)
    written = store.replace_chunks(video, transcript.id, chunks)
    return ChunkFigures(chunks, written=written)


def cut_chunks(transcript: Transcript, counter: TokenCounter) -> tuple[Chunk, ...]:
    """The chunks of a transcript with their tags, by index."""
    packed = pack_segments(
        transcript.segments,
        counter.count_tokens([segment.text for segment in transcript.segments]),
        counter.max_tokens,
    )
    tags = topic_tags([chunk.text for chunk in packed], transcript.language)
    return tuple(
        replace(chunk, topic_tags=chunk_tags)
        for chunk, chunk_tags in zip(packed, tags, strict=True)
    )


def cut_of(chunks: Sequence[Chunk]) -> str:
    """Names a way to cut a version: SHA-256 of all that its chunks are."""
    return content_hash(
        "\n".join(
            repr((c.index, c.text, c.start_s, c.end_s, c.token_count, c.topic_tags))
            for c in chunks
        )
    )


def pack_segments(
    segments: Sequence[Segment], token_counts: Sequence[int], max_tokens: int
) -> list[Chunk]:
    """Pack whole sentences into chunks, in one pass over them.

    The borders are found period by period, each from the sentences near it and from
    nothing before (`_borders`). So an edit, even one that adds or removes a sentence,
    moves no border elsewhere, and two chunks at most get another text. What has more
    than `max_tokens` is halved at the sentence nearest to its middle, and halved
    again. A single sentence above the limit stays whole. Every segment is in exactly
    one chunk; chunks follow each other in time and `start_s < end_s`.
    """
    if len(segments) != len(token_counts):
        raise ValueError("pack_segments() needs a count of tokens per segment")
    chunks: list[Chunk] = []
    first = 0
    for border in (*_borders(segments), len(segments)):
        group, counts = segments[first:border], token_counts[first:border]
        tokens = sum(counts)
        if tokens <= max_tokens and group:
            chunks.append(_chunk(len(chunks), group, tokens))
        else:
            for part, part_tokens in _parts(group, counts, max_tokens):
                chunks.append(_chunk(len(chunks), part, part_tokens))
        first = border
    return chunks


def _borders(segments: Sequence[Segment]) -> list[int]:
    """The segments that begin a chunk, without the first one.

    One in each period: the one behind the longest pause among those that start in the
    last `CHOICE_S` or behind a silence; if there is none, the first of the next period.
    """
    borders: list[int] = []
    choice_starts = choice_ends = heard_until = 0.0
    chosen = 0
    longest_s = -math.inf
    for place, segment in enumerate(segments):
        start_s = segment.start_s
        pause_s = start_s - heard_until
        if start_s >= choice_starts or pause_s >= SILENCE_S:
            if start_s >= choice_ends:
                if place:
                    borders.append(chosen or place)
                taken = not chosen
                choice_ends = (start_s // PERIOD_S + 1) * PERIOD_S
                choice_starts = choice_ends - CHOICE_S
                chosen = 0
                longest_s = -math.inf
                if taken or (start_s < choice_starts and pause_s < SILENCE_S):
                    heard_until = max(heard_until, segment.end_s)
                    continue
            if pause_s > longest_s:
                longest_s = pause_s
                chosen = place
        # Not max(): this line is passed for every sentence.
        if segment.end_s > heard_until:  # noqa: PLR1730
            heard_until = segment.end_s
    if chosen:
        borders.append(chosen)
    if borders:
        last_s = segments[borders[-1]].start_s
        pause_s = last_s - segments[borders[-1] - 1].end_s
        if heard_until - last_s < CHOICE_S and pause_s < SILENCE_S:
            # The last words of a lesson mean little on their own.
            borders.pop()
    return borders


def _parts(
    segments: Sequence[Segment], token_counts: Sequence[int], max_tokens: int
) -> Iterator[tuple[Sequence[Segment], int]]:
    """Halves of the segments, and halves of these, until each has few enough tokens."""
    tokens = sum(token_counts)
    if tokens <= max_tokens or len(segments) == 1:
        if segments:
            yield segments, tokens
        return
    middle_s = (segments[0].start_s + segments[-1].end_s) / 2
    half = min(
        range(1, len(segments)),
        key=lambda place: abs(segments[place].start_s - middle_s),
    )
    yield from _parts(segments[:half], token_counts[:half], max_tokens)
    yield from _parts(segments[half:], token_counts[half:], max_tokens)


def _chunk(index: int, group: Sequence[Segment], tokens: int) -> Chunk:
    start_s = group[0].start_s
    end_s = max([segment.end_s for segment in group])
    text = " ".join([segment.text for segment in group])
    # By place: names would cost a tenth of the packing.
    return Chunk(index, text, start_s, max(end_s, start_s + MIN_CHUNK_S), tokens, ())
