"""Windows of real sound, and what becomes of sound that is no speech."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mentora_pipelines.adapters.whisper.models import BUNDLED_MODEL
from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
from mentora_pipelines.adapters.whisper.windows import windows_of
from mentora_pipelines.domain.lessons.doubts import HeardStretch, doubts_of
from mentora_pipelines.domain.lessons.recognition import (
    Hints,
    join_windows,
    recognise,
)
from mentora_pipelines.domain.lessons.speech import SAMPLE_RATE, Window
from mentora_pipelines.domain.lessons.transcripts import DoubtKind
from mentora_pipelines.errors import PermanentError
from tests.fix_whisper import sound_of, write_flac


@pytest.fixture(scope="module")
def long_lesson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes: the samples one after the other, twice."""
    sounds = [
        sound_of(sample)
        for sample in ("binary-search", "compound-interest", "photosynthesis")
    ]
    folder = tmp_path_factory.mktemp("long")
    return write_flac(folder / "audio.flac", np.concatenate(sounds * 2))


@pytest.fixture(scope="module")
def whole(long_lesson: Path) -> list[Window]:
    """Its windows."""
    return list(windows_of(long_lesson, 0.0))


def figures_of(window: Window) -> tuple[object, ...]:
    """All of a window; samples by their bytes."""
    return (
        window.start_s,
        window.end_s,
        window.is_last,
        [(s.spans, s.speech, s.sound.tobytes()) for s in window.stretches],
    )


def test_a_lesson_taken_up_in_the_middle_is_cut_as_before(
    long_lesson: Path, whole: list[Window]
) -> None:
    """Else a second run hears words twice, or never."""
    assert len(whole) >= 3
    assert all(one.end_s == two.start_s for one, two in pairwise(whole))
    assert [window.is_last for window in whole] == [False] * (len(whole) - 1) + [True]
    assert whole[-1].end_s == pytest.approx(600, abs=1)
    rest = list(windows_of(long_lesson, whole[0].end_s))
    assert [figures_of(one) for one in rest] == [figures_of(one) for one in whole[1:]]


def test_a_stretch_holds_the_sound_of_its_spans(whole: list[Window]) -> None:
    """Else words get the times of other words."""
    for window in whole:
        for stretch in window.stretches:
            spans_s = sum(span.duration_s for span in stretch.spans)
            assert len(stretch.sound) / SAMPLE_RATE == pytest.approx(spans_s, abs=1e-3)
            assert window.start_s <= stretch.spans[0].start_s
            assert stretch.spans[-1].end_s <= window.end_s + 1e-3


def test_audio_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Else it is recognised at the wrong speed."""
    flac = write_flac(tmp_path / "a.flac", np.zeros(8000, np.int16), rate=8000)
    with pytest.raises(PermanentError, match="16 kHz"):
        list(windows_of(flac, 0.0))
    (tmp_path / "b.flac").write_bytes(b"no audio at all")
    with pytest.raises(PermanentError, match=r"FLAC|cannot be read"):
        list(windows_of(tmp_path / "b.flac", 0.0))


def looped(seconds: int) -> NDArray[np.int16]:
    """The same two seconds of speech again and again."""
    phrase = sound_of("photosynthesis", seconds=2.9)[round(0.6 * SAMPLE_RATE) :]
    return np.tile(phrase, seconds * SAMPLE_RATE // len(phrase))


def noise(seconds: int) -> NDArray[np.int16]:
    """White noise."""
    return np.random.default_rng(7).normal(0, 3000, seconds * SAMPLE_RATE).astype("i2")


def tones(seconds: int) -> NDArray[np.int16]:
    """Chords that change every half second, like music."""
    time_s = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    root = 220 * 2 ** (np.floor(time_s * 2) % 8 / 12)
    chord = sum(np.sin(2 * np.pi * root * ratio * time_s) for ratio in (1, 1.25, 1.5))
    return (4000 * np.asarray(chord)).astype(np.int16)


@pytest.mark.parametrize("sound", [noise(20), tones(20)], ids=["noise", "music"])
def test_noise_and_music_make_no_words_that_nobody_doubts(
    tmp_path: Path, sound: NDArray[np.int16]
) -> None:
    """Else an intro jingle is published as a sentence."""
    flac = write_flac(tmp_path / "audio.flac", sound)
    windows = list(recognise(flac, [], WhisperTranscriber(BUNDLED_MODEL), Hints()))
    heard = join_windows(windows)
    assert heard.duration_s == 20.0
    assert all(segment.doubts for segment in heard.segments)


def test_a_phrase_that_never_ends_is_doubted(tmp_path: Path) -> None:
    """Else a stuck recording looks like a lesson."""
    flac = write_flac(tmp_path / "audio.flac", looped(16))
    windows = list(recognise(flac, [], WhisperTranscriber(BUNDLED_MODEL), Hints()))
    heard = join_windows(windows)
    kinds = {doubt.kind for segment in heard.segments for doubt in segment.doubts}
    assert kinds & {DoubtKind.REPETITION, DoubtKind.COMPRESSION}
    assert sum(window.redone for window in windows) == 1


def test_words_over_noise_are_doubted_by_their_measures(tmp_path: Path) -> None:
    """Else what a model makes up when it is forced to listen passes."""
    flac = write_flac(tmp_path / "audio.flac", sound_of("photosynthesis", seconds=10))
    (window,) = windows_of(flac, 0.0)
    (stretch,) = window.stretches
    transcriber = WhisperTranscriber(BUNDLED_MODEL)
    (heard,) = transcriber.hear(window, Hints()).stretches
    assert doubts_of(heard, language="en") == ()
    # The same words, where the detector found nothing: they would be invented.
    nowhere = HeardStretch(heard.words, (), heard.log_probability, 0.9)
    assert doubts_of(nowhere, language="en") != ()
    assert stretch.speech
