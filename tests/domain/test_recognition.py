from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mentora_pipelines.domain.lessons.doubts import HeardStretch
from mentora_pipelines.domain.lessons.recognition import (
    Heard,
    Hints,
)
from mentora_pipelines.domain.lessons.speech import Span, Stretch, Window
from mentora_pipelines.domain.lessons.transcripts import DoubtKind, Word
from mentora_pipelines.errors import ErrorCode, LessonRefused, TransientError
from tests.spoken_lesson import SpokenLesson

WINDOW_S = 10.0


class FakeListener:
    """Satisfies `Transcriber`: a window of a lesson for each of its texts.

    It hears words only while `answers` lasts, and takes a loop for what it is at the
    second try.
    """

    fingerprint = "test/v1"

    def __init__(self, texts: list[str], language: str = "en") -> None:
        self.texts = texts
        self.answers = 1000
        self.language = language
        self.sure = 1.0
        self.heard: list[float] = []
        self.heard_again: list[float] = []
        self.hints: list[Hints] = []

    def windows(self, audio: Path, after_s: float) -> Iterator[Window]:
        """Those that start at `after_s` or later."""
        assert audio.is_file()
        for number, text in enumerate(self.texts):
            start_s = number * WINDOW_S
            span = Span(start_s, start_s + WINDOW_S)
            stretch = Stretch((span,), (span,), np.zeros(0, np.float32))
            if start_s >= after_s:
                yield Window(
                    start_s,
                    start_s + WINDOW_S,
                    number + 1 == len(self.texts),
                    (stretch,) if text else (),
                )

    def hear(self, window: Window, hints: Hints) -> Heard:
        """The text of the window."""
        if len(self.heard) == self.answers:
            raise TransientError("away")
        self.heard.append(window.start_s)
        self.hints.append(hints)
        text = self.texts[round(window.start_s / WINDOW_S)]
        stretches = tuple(self._said(one, text) for one in window.stretches)
        return Heard(hints.language or self.language, self.sure, stretches)

    def hear_again(self, stretch: Stretch, hints: Hints) -> HeardStretch:
        """What follows the loop in the text, if anything does."""
        assert hints.language is not None
        self.heard_again.append(stretch.spans[0].start_s)
        text = self.texts[round(stretch.spans[0].start_s / WINDOW_S)]
        return self._said(stretch, text.split("|")[-1])

    @staticmethod
    def _said(stretch: Stretch, text: str) -> HeardStretch:
        start_s = stretch.spans[0].start_s
        words = tuple(
            Word(word, start_s + n / 4, start_s + n / 4 + 0.25, 0.9)
            for n, word in enumerate(text.split())
        )
        span = Span(start_s, words[-1].end_s)
        return HeardStretch(words, (span,), -0.3, 0.0)


LOOP = "so " * 12


def lesson_of(folder: Path, texts: list[str]) -> SpokenLesson[FakeListener]:
    """A lesson of these texts."""
    return SpokenLesson(folder, FakeListener(texts))


def test_a_second_run_hears_only_what_was_missing(tmp_path: Path) -> None:
    """Else a crash after 50 of 60 minutes costs 50 minutes."""
    lesson = lesson_of(tmp_path, ["One", "two three.", "", "Four."])
    lesson.transcriber.answers = 2
    with pytest.raises(TransientError):
        lesson.transcribe()
    assert lesson.store.versions == {}
    lesson.transcriber.answers = 1000
    made = lesson.transcribe()
    assert lesson.transcriber.heard == [0.0, 10.0, 30.0]
    plain = made.as_plain()
    assert plain["windows_remembered"] == 3
    assert plain["windows_recognised"] == 1
    assert made.transcript.text == "One\ntwo three.\nFour."
    assert lesson.store.windows == {}, "what it was made of is needed no more"


def test_a_sentence_runs_on_over_the_border_of_windows(tmp_path: Path) -> None:
    """Else windows show in the text."""
    lesson = lesson_of(tmp_path, ["a " * 37 + "plant", "needs light."])
    assert lesson.transcribe().transcript.text.endswith("a plant needs light.")


def test_a_silent_lesson_is_not_heard_again(tmp_path: Path) -> None:
    """Else each try to process it costs the recognition of the whole lesson."""
    lesson = lesson_of(tmp_path, ["", "..", ""])
    lesson.transcriber.texts[1] = ""
    for _ in range(2):
        with pytest.raises(LessonRefused, match=r"30\.0 s") as refused:
            lesson.transcribe()
        assert refused.value.code is ErrorCode.NO_SPEECH
        # The second time nothing is there to listen to.
        lesson.transcriber.texts = ["It would hear this."]
    assert lesson.transcriber.heard == []


def test_a_bad_stretch_is_heard_twice_and_the_better_one_kept(tmp_path: Path) -> None:
    """Else a loop is published although a second try would have got it right."""
    lesson = lesson_of(tmp_path, ["Plants grow.", f"{LOOP}|Light feeds them.", "Yes."])
    made = lesson.transcribe()
    assert lesson.transcriber.heard_again == [10.0]
    assert made.transcript.text == "Plants grow.\nLight feeds them.\nYes."
    assert made.transcript.doubts == ()
    assert made.as_plain()["stretches_heard_twice"] == 1


def test_what_stays_doubtful_is_marked(tmp_path: Path) -> None:
    """Else nobody knows where to look."""
    lesson = lesson_of(tmp_path, ["Plants grow.", LOOP])
    made = lesson.transcribe()
    assert {doubt.kind for doubt in made.transcript.doubts} >= {DoubtKind.REPETITION}
    assert [bool(one.doubts) for one in made.transcript.segments] == [False, True]
    assert made.as_plain()["doubtful_s"] == 3.0


def test_hints_are_passed_on_and_name_another_version(tmp_path: Path) -> None:
    """Else a new glossary changes nothing, or every lesson's version."""
    lesson = lesson_of(tmp_path, ["Plants grow."])
    plain = lesson.transcribe().transcript
    assert plain.fingerprint == "test/v1"
    seen = {plain.id}
    for hints in (
        Hints("de"),
        Hints(None, ("Calvin",)),
        Hints("de", ("Calvin", "Krebs")),
    ):
        lesson.store.hints = hints
        made = lesson.transcribe()
        assert made.recognised
        assert lesson.transcriber.hints[-1] == hints
        seen.add(made.transcript.id)
    assert len(seen) == 4


def test_a_language_that_is_sure_holds_for_the_rest(tmp_path: Path) -> None:
    """Else a lesson changes its language in the middle, or keeps that of its music."""
    lesson = lesson_of(
        tmp_path, ["la la", "Pflanzen wachsen hier.", "Licht nährt sie."]
    )
    lesson.transcriber.sure = 0.4
    lesson.transcriber.language = "de"
    made = lesson.transcribe()
    assert [hints.language for hints in lesson.transcriber.hints] == [None, None, None]
    assert made.transcript.language == "de"
    lesson = lesson_of(tmp_path, ["Pflanzen wachsen.", "Licht.", "Wasser."])
    lesson.transcriber.language = "de"
    lesson.transcriber.answers = 2
    with pytest.raises(TransientError):
        lesson.transcribe()
    lesson.transcriber.answers = 3
    lesson.transcribe()
    assert [hints.language for hints in lesson.transcriber.hints] == [None, "de", "de"]
