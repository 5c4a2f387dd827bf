"""Windows of a FLAC file: read as a stream, cut where Silero VAD hears nobody.

Here belong the reading of samples and the detector of speech. Not here: the rule
where a window ends (`domain/lessons/speech.py`).

Of a lesson of any length one window is in memory at a time: six hours of samples
would fill 1.4 GB.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mentora_pipelines.domain.lessons.speech import (
    FRAME_S,
    FRAME_SAMPLES,
    SAMPLE_RATE,
    Frames,
    Span,
    Stretch,
    Window,
    WindowPlan,
    plan_window,
)
from mentora_pipelines.errors import PermanentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 1250
"""Frames (40 s) that the detector judges at once. Steps start at multiples of it from
the lesson's start, wherever a window does: so a lesson that is taken up in the middle
is cut as it would have been."""

LEAD = 64
"""Frames (2 s) before a step that the detector hears first, to find its feet."""


def windows_of(audio: Path, after_s: float, *, whole: bool = False) -> Iterator[Window]:
    """The windows of a 16 kHz mono FLAC file that start at `after_s` or later.

    `after_s` is the end of a window of the same file, or 0. With `whole` the stretches
    of a window hold its silences, too, and lie end to end. Raises `PermanentError` for
    a file of another kind.
    """
    start = round(after_s / FRAME_S)
    first_step = start // STEP
    held = _Held(start, [], np.empty(0, np.int16))
    for step in _judged(_steps(audio), first_step):
        held.add(step)
        while (
            plan := plan_window(held.probabilities, is_end=step.is_last)
        ) is not None:
            window = held.take(plan, step, whole=whole)
            yield window
            if window.is_last:
                return


@dataclass(frozen=True, slots=True)
class _Step:
    """Samples from `start` (in frames) on, and the frames judged, once they are."""

    start: int
    samples: "NDArray[np.int16]"
    lead: "NDArray[np.int16]"
    is_last: bool
    probabilities: tuple[float, ...] = ()


@dataclass(slots=True)
class _Held:
    """What is known of the lesson from `start` (in frames) on."""

    start: int
    probabilities: list[float]
    samples: "NDArray[np.int16]"

    def add(self, step: _Step) -> None:
        """Add a step; what lies before `start` is of no use."""
        skipped = max(0, self.start - step.start)
        self.probabilities += step.probabilities[skipped:]
        self.samples = np.concatenate(
            (self.samples, step.samples[skipped * FRAME_SAMPLES :])
        )

    def take(self, plan: WindowPlan, step: _Step, *, whole: bool) -> Window:
        """The planned window; what follows it stays."""
        heard = _end_to_end(plan) if whole else plan.spans
        is_last = step.is_last and plan.end == len(self.probabilities)
        # The last frame may be a part of one.
        end_s = (
            self.start * FRAME_S + len(self.samples) / SAMPLE_RATE
            if is_last
            else (self.start + plan.end) * FRAME_S
        )
        window = Window(
            start_s=round(self.start * FRAME_S, 3),
            end_s=round(end_s, 3),
            is_last=is_last,
            stretches=tuple(
                Stretch(
                    spans=tuple(self._span(span) for span in spans),
                    speech=tuple(self._span(span) for span in speech),
                    sound=self._sound(spans),
                )
                for spans, speech in zip(heard, plan.speech, strict=True)
            ),
        )
        self.start += plan.end
        self.probabilities = self.probabilities[plan.end :]
        self.samples = self.samples[plan.end * FRAME_SAMPLES :]
        return window

    def _span(self, frames: Frames) -> Span:
        start, end = frames
        length = min(end * FRAME_SAMPLES, len(self.samples)) / SAMPLE_RATE
        return Span(
            round((self.start + start) * FRAME_S, 3),
            round(self.start * FRAME_S + length, 3),
        )

    def _sound(self, spans: tuple[Frames, ...]) -> "NDArray[np.float32]":
        samples = np.concatenate(
            [self.samples[a * FRAME_SAMPLES : b * FRAME_SAMPLES] for a, b in spans]
        )
        return _floats(samples)


def _end_to_end(plan: WindowPlan) -> tuple[tuple[Frames, ...], ...]:
    """One span for each stretch; two meet in the middle of the silence between them."""
    if not plan.spans:
        return ()
    borders = [
        (before[-1][1] + after[0][0]) // 2 for before, after in pairwise(plan.spans)
    ]
    return tuple(((start, end),) for start, end in pairwise((0, *borders, plan.end)))


def _judged(steps: Iterator[_Step], first: int) -> Iterator[_Step]:
    """The steps from number `first` on, with the probability of speech per frame."""
    from faster_whisper.vad import get_vad_model

    detector = get_vad_model()
    for step in steps:
        if step.start < first * STEP:
            continue
        whole = np.concatenate((step.lead, step.samples))
        whole = np.pad(whole, (0, -len(whole) % FRAME_SAMPLES))
        judged = detector(_floats(whole)).ravel() if len(whole) else whole
        probabilities = judged[len(step.lead) // FRAME_SAMPLES :]
        yield _Step(
            step.start,
            step.samples,
            step.lead,
            step.is_last,
            tuple(probabilities.tolist()),
        )


def _steps(audio: Path) -> Iterator[_Step]:
    """The samples, a step at a time, each with the end of the step before it."""
    size = STEP * FRAME_SAMPLES
    start = 0
    lead = rest = np.empty(0, np.int16)
    for block in _blocks(audio):
        rest = np.concatenate((rest, block))
        # One sample more, so that the last step is known to be it.
        while len(rest) > size:
            yield _Step(start, rest[:size], lead, is_last=False)
            start += STEP
            lead, rest = rest[size - LEAD * FRAME_SAMPLES : size], rest[size:]
    yield _Step(start, rest, lead, is_last=True)


def _blocks(audio: Path) -> Iterator["NDArray[np.int16]"]:
    """The samples of a FLAC file in blocks of a few seconds."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(audio), format="flac") as container:
            stream = container.streams.audio[0]
            if (stream.rate, stream.channels) != (SAMPLE_RATE, 1):
                raise PermanentError("the audio is not 16 kHz mono FLAC")
            gathered: list[NDArray[np.int16]] = []
            for frame in container.decode(stream):
                gathered.append(frame.to_ndarray().ravel().astype(np.int16))
                if len(gathered) == 64:
                    yield np.concatenate(gathered)
                    gathered = []
            if gathered:
                yield np.concatenate(gathered)
    except FFmpegError as error:
        raise PermanentError(f"the audio cannot be read: {error.strerror}") from None


def _floats(samples: "NDArray[np.int16]") -> "NDArray[np.float32]":
    return samples.astype(np.float32) / np.float32(32768)
