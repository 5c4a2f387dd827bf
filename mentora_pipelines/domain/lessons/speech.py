"""Speech: where somebody talks in a lesson, cut into windows to be heard one by one.

Here belongs the rule that turns the probability of speech, frame by frame, into
stretches and windows. Not here: what computes the probability, or what is said.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 512
"""What Silero VAD judges at once: 32 ms."""
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE

THRESHOLD = 0.5
RELEASE = 0.35
"""Speech begins at one probability and ends below the other: Silero's defaults."""

MIN_SILENCE = 5
"""Frames (160 ms) that end a span of speech, as faster-whisper's batched pipeline
has it; shorter silences lie within words."""

SHORT_PAUSE = 3
"""Frames (96 ms) at which a span that grows too long is cut, if there is such a pause
(Silero: 98 ms)."""

PAD = 12
"""Frames (384 ms) that are heard on both sides of a span: consonants are quiet."""

STRETCH = 937
"""Frames (29.98 s) of a stretch at most: Whisper hears 30 s at once."""

MAX_SPAN = STRETCH - 2 * PAD

STRETCHES = 8
"""Stretches of a window, heard as one batch, so that windows cost nothing: on a CPU,
words are written in 0.21 s per stretch in a batch of 8, in 0.25 s in one of 4. It is
about four minutes of speech, which is what a crash costs."""

MAX_WINDOW = 9375
"""Frames (300 s) after which a silence ends a window even if it holds less."""

Frames: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a lesson; times in seconds from its start."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech that is heard at once, at most 30 s of it.

    `sound` is what lies in `spans`, end to end, as 16 kHz samples between -1 and 1;
    `speech` is where the detector is sure of it, without the sound around.
    """

    spans: tuple[Span, ...]
    speech: tuple[Span, ...]
    sound: "NDArray[np.float32]"

    def time_at(self, second: float, *, span: int) -> float:
        """Where in the lesson a second of `sound` lies, counted within one span."""
        before_s = sum(one.duration_s for one in self.spans[:span])
        start_s, end_s = self.spans[span].start_s, self.spans[span].end_s
        return round(min(max(start_s + second - before_s, start_s), end_s), 3)

    def span_at(self, second: float) -> int:
        """The number of the span that a second of `sound` is taken from."""
        ends_s: list[float] = []
        for one in self.spans:
            ends_s.append(one.duration_s + (ends_s[-1] if ends_s else 0.0))
        return min(bisect_right(ends_s, second), len(self.spans) - 1)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a lesson that is recognised, and remembered, as a whole.

    Windows lie end to end: the first starts at 0, the last ends with the lesson.
    """

    start_s: float
    end_s: float
    is_last: bool
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Where a window ends, and the spans of each of its stretches.

    In frames from the start of the window. `spans` are padded and joined where they
    touch, `speech` is neither.
    """

    end: int
    spans: tuple[tuple[Frames, ...], ...]
    speech: tuple[tuple[Frames, ...], ...]


def plan_window(probabilities: Sequence[float], *, is_end: bool) -> WindowPlan | None:
    """The window that starts with the first of `probabilities`, one per frame.

    None when more of the lesson must be known to decide; `is_end` says that there is
    no more. How much more was known never changes the plan, so that a window follows
    from where it starts and from the sound alone.
    """
    stretches: list[list[Frames]] = []
    heard_until = 0
    for start, end in _spans(probabilities, is_end=is_end):
        silence_ends = max(MAX_WINDOW, heard_until + 2 * PAD)
        if start >= silence_ends:
            return _plan(stretches, silence_ends)
        if end is None:
            break
        if not stretches or not _fits(stretches[-1], (start, end)):
            if len(stretches) == STRETCHES:
                return _plan(stretches, (heard_until + start) // 2)
            stretches.append([])
        stretches[-1].append((start, end))
        heard_until = end
    return _plan(stretches, len(probabilities)) if is_end else None


def _spans(
    probabilities: Sequence[float], *, is_end: bool
) -> Iterator[tuple[int, int | None]]:
    """The spans of speech; the last one has no end: it begins, or could, there."""
    start: int | None = None
    quiet_since: int | None = None
    pause: Frames | None = None
    for frame, probability in enumerate(probabilities):
        if start is None:
            if probability >= THRESHOLD:
                start, quiet_since, pause = frame, None, None
            continue
        if frame - start >= MAX_SPAN:
            end, resumed = pause or (frame, frame)
            yield start, end
            start, pause = resumed, None
        if probability >= THRESHOLD:
            if quiet_since is not None and frame - quiet_since >= SHORT_PAUSE:
                pause = (quiet_since, frame)
            quiet_since = None
        elif probability < RELEASE:
            if quiet_since is None:
                quiet_since = frame
            if frame - quiet_since >= MIN_SILENCE:
                yield start, quiet_since
                start = None
    count = len(probabilities)
    if start is not None and is_end:
        yield start, count
        start = None
    yield (count if start is None else start), None


def _fits(stretch: Sequence[Frames], span: Frames) -> bool:
    """Whether a stretch with one more span, each padded, is short enough."""
    frames = 2 * PAD
    heard_until = stretch[0][0]
    for start, end in (*stretch, span):
        frames += min(start - heard_until, 2 * PAD) + end - start
        heard_until = end
    return frames <= STRETCH


def _plan(stretches: Sequence[Sequence[Frames]], window_end: int) -> WindowPlan:
    every = [span for stretch in stretches for span in stretch]
    padded: list[Frames] = []
    for place, (start, end) in enumerate(every):
        before = start - every[place - 1][1] if place else 2 * start
        last = place + 1 == len(every)
        after = 2 * (window_end - end) if last else every[place + 1][0] - end
        # What lies between two spans is shared out when it is short.
        padded.append((start - min(PAD, before // 2), end + min(PAD, (after + 1) // 2)))
    spans = []
    for stretch in stretches:
        spans.append(tuple(_joined(padded[: len(stretch)])))
        padded = padded[len(stretch) :]
    return WindowPlan(
        window_end, tuple(spans), tuple(tuple(stretch) for stretch in stretches)
    )


def _joined(spans: Sequence[Frames]) -> Iterator[Frames]:
    start, end = spans[0]
    for following_start, following_end in spans[1:]:
        if following_start > end:
            yield start, end
            start = following_start
        end = following_end
    yield start, end
