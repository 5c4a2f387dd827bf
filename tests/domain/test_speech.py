from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentora_pipelines.domain.lessons.speech import (
    MAX_WINDOW,
    PAD,
    STRETCH,
    STRETCHES,
    Span,
    Stretch,
    WindowPlan,
    plan_window,
)

SECOND = 31
"""Frames, nearly."""


def speech(*parts: tuple[float, int]) -> list[float]:
    """Probabilities: each part is one of them, and for how many frames it holds."""
    return [probability for probability, frames in parts for _ in range(frames)]


def lesson_of(seconds: int) -> list[float]:
    """Sentences of four seconds with pauses of half a second."""
    return speech(*[(0.9, 4 * SECOND), (0.05, SECOND // 2)] * (seconds // 4))


def plans(probabilities: list[float]) -> list[WindowPlan]:
    """All the windows of a lesson."""
    found = []
    while True:
        plan = plan_window(probabilities, is_end=True)
        assert plan is not None
        found.append(plan)
        if plan.end == len(probabilities):
            return found
        probabilities = probabilities[plan.end :]


def lasting(spans: tuple[tuple[int, int], ...]) -> int:
    """Frames of the spans."""
    return sum(end - start for start, end in spans)


def test_a_window_is_cut_in_a_silence() -> None:
    """Else a word is cut in two, and neither half is understood."""
    probabilities = lesson_of(900)
    windows = plans(probabilities)
    assert len(windows) > 2
    at = 0
    for window in windows[:-1]:
        at += window.end
        assert probabilities[at] < 0.1
        assert probabilities[at - 1] < 0.1


def test_a_stretch_is_no_longer_than_the_model_hears() -> None:
    """Else the end of each is never recognised."""
    for window in plans(lesson_of(900)):
        assert len(window.spans) <= STRETCHES
        assert all(0 < lasting(spans) <= STRETCH for spans in window.spans)
        assert all(start < end for spans in window.spans for start, end in spans)


def test_all_speech_is_in_a_stretch() -> None:
    """Else sentences are missing from the transcript."""
    probabilities = lesson_of(600)
    heard = [False] * len(probabilities)
    at = 0
    for window in plans(probabilities):
        for spans in window.spans:
            for start, end in spans:
                heard[at + start : at + end] = [True] * (end - start)
        at += window.end
    assert all(h for h, p in zip(heard, probabilities, strict=True) if p > 0.5)


def test_a_speaker_without_pauses_is_cut_all_the_same() -> None:
    """Else a lesson with music under it fills the memory, or is heard for 30 s only."""
    windows = plans(speech((0.9, 5 * MAX_WINDOW)))
    assert sum(window.end for window in windows) == 5 * MAX_WINDOW
    assert all(lasting(spans) <= STRETCH for w in windows for spans in w.spans)
    assert all(window.end <= STRETCHES * STRETCH for window in windows)


def test_hours_of_silence_are_windows_without_a_stretch() -> None:
    """Else the samples of the whole lesson are held until somebody speaks."""
    windows = plans(speech((0.01, 4 * MAX_WINDOW), (0.9, 60), (0.01, 10)))
    assert [len(window.spans) for window in windows] == [0, 0, 0, 0, 1]
    assert [window.end for window in windows[:4]] == [MAX_WINDOW] * 4


def test_sound_around_speech_is_heard_too() -> None:
    """Else the first and last consonants are lost."""
    (window,) = plans(speech((0.01, 100), (0.9, 50), (0.01, 100)))
    assert window.spans == (((100 - PAD, 150 + PAD),),)
    assert window.speech == (((100, 150),),)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]),
            st.one_of(st.integers(1, 40), st.integers(1, 2000)),
        ),
        max_size=60,
    ),
    st.integers(1, 5000),
)
def test_a_window_does_not_depend_on_how_much_is_known(
    parts: list[tuple[float, int]], step: int
) -> None:
    """Else a second run cuts elsewhere, and what was heard is of no use."""
    probabilities = speech(*parts)
    whole = plan_window(probabilities, is_end=True)
    assert whole is not None
    assert 0 <= whole.end <= len(probabilities)
    for known in range(step, len(probabilities), step):
        plan = plan_window(probabilities[:known], is_end=False)
        if plan is not None:
            assert plan == whole
    every = [span for spans in whole.spans for span in spans]
    assert all(one[1] <= two[0] for one, two in pairwise(every))
    assert not every or (every[0][0] >= 0 and every[-1][1] <= whole.end)
    assert all(lasting(spans) <= STRETCH for spans in whole.spans)


@pytest.mark.parametrize(
    ("second", "at_s"), [(0.0, 10.0), (1.5, 11.5), (2.5, 20.5), (9.0, 23.0)]
)
def test_a_second_of_a_stretch_is_a_second_of_the_lesson(
    second: float, at_s: float
) -> None:
    """Else every citation behind the first silence points to the wrong moment."""
    spans = (Span(10.0, 12.0), Span(20.0, 23.0))
    stretch = Stretch(spans, spans, np.zeros(0, np.float32))
    assert stretch.time_at(second, span=stretch.span_at(second)) == at_s
