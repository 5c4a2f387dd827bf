"""Lessons for tests: transcripts and chunks out of plain sentences."""

from collections.abc import Sequence
from uuid import UUID

from mentora_pipelines.domain.identity import content_hash, transcript_id_of
from mentora_pipelines.domain.lessons.chunks import Chunk
from mentora_pipelines.domain.lessons.transcripts import (
    Origin,
    Segment,
    Transcript,
    Word,
)

WORD_S, PAUSE_S = 0.4, 0.6
VIDEO_ID = UUID("00000000-0000-5000-8000-000000000001")
CREATOR_ID = UUID("00000000-0000-5000-8000-000000000002")


def transcript_of(sentences: Sequence[str], language: str = "en") -> Transcript:
    """Return a recognised lesson: a segment a sentence, a word 0.4 s, a pause 0.6 s."""
    segments = []
    now_s = 0.0
    for sentence in sentences:
        words = []
        for text in sentence.split():
            words.append(Word(text, round(now_s, 2), round(now_s + WORD_S, 2), 0.9))
            now_s += WORD_S
        segments.append(
            Segment(sentence, words[0].start_s, words[-1].end_s, tuple(words))
        )
        now_s += PAUSE_S
    source_hash = content_hash("\n".join(sentences))
    return Transcript(
        id=transcript_id_of(VIDEO_ID, source_hash, "test/v1"),
        video_id=VIDEO_ID,
        creator_id=CREATOR_ID,
        source_hash=source_hash,
        fingerprint="test/v1",
        origin=Origin.RECOGNISED,
        language=language,
        duration_s=round(now_s, 2),
        segments=tuple(segments),
    )


def chunks_of(transcript: Transcript, sentences_each: int = 4) -> list[Chunk]:
    """Return the lesson in chunks of `sentences_each` sentences, without overlap."""
    chunks: list[Chunk] = []
    for first in range(0, len(transcript.segments), sentences_each):
        segments = transcript.segments[first : first + sentences_each]
        text = " ".join(segment.text for segment in segments)
        chunks.append(
            Chunk(
                index=len(chunks),
                text=text,
                start_s=segments[0].start_s,
                end_s=segments[-1].end_s,
                token_count=len(text.split()),
                topic_tags=(),
            )
        )
    return chunks
