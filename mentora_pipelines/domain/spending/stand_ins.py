"""Stand-ins: a lesson that nobody has heard yet, as if somebody had spoken all through.

Here belongs the transcript out of which a plan counts before there is one. What the
real one will cost is known only when its words are; a stand-in errs on the dear side
where a bound is wanted, and is in the middle where a guess is.
"""

from dataclasses import dataclass
from itertools import cycle

from mentora_pipelines.domain.identity import transcript_id_of
from mentora_pipelines.domain.lessons.transcripts import (
    Origin,
    Segment,
    Transcript,
    Word,
)
from mentora_pipelines.domain.videos import Video


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody speaks: how fast, and in which words."""

    words_per_s: float
    sentences: tuple[str, ...]


ORDINARY = Manner(
    150 / 60,  # what the length of a chunk is made for (`chunks.PERIOD_S`)
    (
        "A plant takes in light and turns water and air into sugar for the night.",
        "When we look at this curve, we can see that the growth is not the same.",
        "So the next question is how much of the energy stays in the leaves.",
    ),
)
"""In the middle of what lessons are like."""

FAST_AND_LEARNED = Manner(
    240 / 60,  # nobody lectures faster for minutes
    (
        "Chlorophyll molecules embedded in thylakoid membranes absorb wavelengths.",
        "Measurements demonstrate proportional relationships between velocities.",
        "Distinguish carefully between correlation, coincidence and causation.",
    ),
)
"""What is bounded by it holds for any lesson."""

LANGUAGE = "en"


def stand_in(video: Video, duration_s: float, manner: Manner) -> Transcript:
    """A transcript of `duration_s` without a pause, in that manner."""
    word_s = 1 / manner.words_per_s
    now_s = 0.0
    segments: list[Segment] = []
    for number, sentence in enumerate(cycle(manner.sentences)):
        if now_s >= duration_s:
            break
        words: list[Word] = []
        # Numbered: equal chunks would have one vector, and be counted once.
        for text in (*sentence.split(), f"{number}."):
            if now_s >= duration_s:
                break
            end_s = min(now_s + word_s, duration_s)
            words.append(Word(text, round(now_s, 3), round(end_s, 3), 1.0))
            now_s += word_s
        text = " ".join(word.text for word in words)
        segments.append(Segment(text, words[0].start_s, words[-1].end_s, tuple(words)))
    source_hash = video.source_hash or ""
    return Transcript(
        id=transcript_id_of(video.id, source_hash, "stand-in"),
        video_id=video.id,
        creator_id=video.creator_id,
        source_hash=source_hash,
        fingerprint="stand-in",
        origin=Origin.RECOGNISED,
        language=LANGUAGE,
        duration_s=duration_s,
        segments=tuple(segments),
    )
