"""Minutes of what is heard on this machine, booked window by window."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mentora_pipelines.domain.lessons.recognition import (
    Transcriber,
    TranscriptFigures,
    transcribe_lesson,
)
from mentora_pipelines.domain.spending.metering import MeteredTranscriber
from mentora_pipelines.domain.spending.usage import Payer, PlannedCall
from mentora_pipelines.errors import OverBudget, TransientError
from tests.domain.test_recognition import AUDIO_KEY, VIDEO, WINDOW_S, FakeListener
from tests.fakes import FakeLessonStore, FakeStorage


class FakeLedger:
    """Satisfies `UsageLedger` and `UsageLedgers`, with `left_s` seconds to spend."""

    def __init__(self, left_s: float = 3600.0) -> None:
        self.left_s = left_s
        self.open: dict[UUID, PlannedCall] = {}
        self.settled: list[tuple[Payer, float]] = []
        self.failed = 0
        self._creator_id: UUID | None = None

    def of(self, creator_id: UUID | None) -> "FakeLedger":
        """The same for all; who pays is remembered."""
        self._creator_id = creator_id
        return self

    def reserve(self, call: PlannedCall) -> UUID:
        """Book it while seconds are left."""
        self.check([call])
        self.left_s -= call.input_units
        usage_id = uuid4()
        self.open[usage_id] = call
        return usage_id

    def settle(self, usage_id: UUID, input_units: float, output_units: float) -> None:
        """Remember what was paid by whom."""
        call = self.open.pop(usage_id)
        assert output_units == 0
        self.settled.append((Payer(self._creator_id, call.video_id), input_units))

    def fail(
        self, usage_id: UUID, input_units: float = 0.0, output_units: float = 0.0
    ) -> None:
        """Give back what was reserved."""
        assert input_units == output_units == 0
        self.left_s += self.open.pop(usage_id).input_units
        self.failed += 1

    def check(self, calls: Sequence[PlannedCall]) -> None:
        """Refuse what does not fit together."""
        if sum(call.input_units for call in calls) > self.left_s:
            raise OverBudget("nothing is left")

    @contextmanager
    def hold(self, calls: Sequence[PlannedCall]) -> Iterator[None]:
        """Refuse what does not fit together."""
        self.check(calls)
        yield


class Lesson:
    """Three windows, the second one silent."""

    def __init__(self, folder: Path) -> None:
        self.storage = FakeStorage(folder)
        self.storage.put(AUDIO_KEY, io.BytesIO(b"sound"))
        self.store = FakeLessonStore()
        self.listener = FakeListener(["Glucose is sugar.", "", "Starch is a chain."])

    def transcribe(self, transcriber: Transcriber) -> TranscriptFigures:
        """Transcribe the lesson as it stands in the store."""
        return transcribe_lesson(
            replace(
                VIDEO, staged_transcript_id=self.store.staged, duration_s=3 * WINDOW_S
            ),
            storage=self.storage,
            transcriber=transcriber,
            store=self.store,
            status=self.store,
        )


PAYER = Payer(VIDEO.creator_id, VIDEO.id)


def test_every_second_of_a_lesson_is_booked_to_its_creator_once(
    tmp_path: Path,
) -> None:
    """Else a creator's minutes are not those of the videos."""
    lesson, ledger = Lesson(tmp_path), FakeLedger(left_s=30)
    metered = MeteredTranscriber(lesson.listener, "tiny.en", ledger)
    for _ in range(2):
        lesson.transcribe(metered)
    assert ledger.settled == [(PAYER, WINDOW_S)] * 3
    assert not ledger.open


def test_a_lesson_that_does_not_fit_is_refused_before_its_first_window(
    tmp_path: Path,
) -> None:
    """Else half a lesson takes the minutes of a shorter one that would have fitted."""
    lesson, ledger = Lesson(tmp_path), FakeLedger(left_s=29)
    with pytest.raises(OverBudget):
        lesson.transcribe(MeteredTranscriber(lesson.listener, "tiny.en", ledger))
    assert lesson.listener.heard == []
    assert ledger.left_s == 29


def test_a_window_that_failed_is_booked_when_it_is_heard(tmp_path: Path) -> None:
    """Else a service that was away takes a creator's minutes with it."""
    lesson, ledger = Lesson(tmp_path), FakeLedger(left_s=30)
    metered = MeteredTranscriber(lesson.listener, "tiny.en", ledger)
    lesson.listener.answers = 1
    with pytest.raises(TransientError):
        lesson.transcribe(metered)
    assert (len(ledger.settled), ledger.failed) == (2, 1)
    lesson.listener.answers = 2
    lesson.transcribe(metered)
    assert ledger.settled == [(PAYER, WINDOW_S)] * 3
    assert (ledger.failed, ledger.open) == (1, {})
