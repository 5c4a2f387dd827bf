"""Minutes of what is heard on this machine, booked window by window."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mentora_pipelines.domain.spending.metering import MeteredTranscriber
from mentora_pipelines.domain.spending.usage import Payer, PlannedCall
from mentora_pipelines.errors import OverBudget, TransientError
from tests.domain.test_recognition import WINDOW_S, FakeListener
from tests.spoken_lesson import VIDEO, SpokenLesson


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


PAYER = Payer(VIDEO.creator_id, VIDEO.id)
THREE_WINDOWS = replace(VIDEO, duration_s=3 * WINDOW_S)


class Metered:
    """Three windows, the second one silent, and who pays for them."""

    def __init__(self, folder: Path, left_s: float) -> None:
        self.listener = FakeListener(["Glucose is sugar.", "", "Starch is a chain."])
        self.ledger = FakeLedger(left_s)
        self._lesson = SpokenLesson(
            folder, MeteredTranscriber(self.listener, "tiny.en", self.ledger)
        )

    def transcribe(self) -> None:
        """Transcribe the lesson as it stands in the store."""
        self._lesson.transcribe(THREE_WINDOWS)


def test_every_second_of_a_lesson_is_booked_to_its_creator_once(
    tmp_path: Path,
) -> None:
    """Else a creator's minutes are not those of the videos."""
    lesson = Metered(tmp_path, left_s=30)
    for _ in range(2):
        lesson.transcribe()
    assert lesson.ledger.settled == [(PAYER, WINDOW_S)] * 3
    assert not lesson.ledger.open


def test_a_lesson_that_does_not_fit_is_refused_before_its_first_window(
    tmp_path: Path,
) -> None:
    """Else half a lesson takes the minutes of a shorter one that would have fitted."""
    lesson = Metered(tmp_path, left_s=29)
    with pytest.raises(OverBudget):
        lesson.transcribe()
    assert lesson.listener.heard == []
    assert lesson.ledger.left_s == 29


def test_a_window_that_failed_is_booked_when_it_is_heard(tmp_path: Path) -> None:
    """Else a service that was away takes a creator's minutes with it."""
    lesson = Metered(tmp_path, left_s=30)
    lesson.listener.answers = 1
    with pytest.raises(TransientError):
        lesson.transcribe()
    assert (len(lesson.ledger.settled), lesson.ledger.failed) == (2, 1)
    lesson.listener.answers = 2
    lesson.transcribe()
    assert lesson.ledger.settled == [(PAYER, WINDOW_S)] * 3
    assert (lesson.ledger.failed, lesson.ledger.open) == (1, {})
