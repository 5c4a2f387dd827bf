"""Metering: what is heard on this machine costs no money, and minutes all the same.

Here belongs the transcriber that books the sound it is given. Not here: providers,
whose adapters book their requests themselves.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from uuid import UUID

from mentora_pipelines.domain.lessons.doubts import HeardStretch
from mentora_pipelines.domain.lessons.recognition import Heard, Hints, Transcriber
from mentora_pipelines.domain.lessons.speech import Stretch, Window
from mentora_pipelines.domain.spending.prices import LOCAL
from mentora_pipelines.domain.spending.usage import (
    PLATFORM,
    Operation,
    Payer,
    PlannedCall,
    Unit,
    UsageLedger,
    UsageLedgers,
)
from mentora_pipelines.errors import MentoraError


class MeteredTranscriber:
    """Satisfies `Transcriber`: one of this machine, each window of it booked.

    A window is booked whole, with its silences and once however often it is heard:
    so the minutes of a lesson are those of its sound.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        model: str,
        ledgers: UsageLedgers,
        payer: Payer = PLATFORM,
    ) -> None:
        self._transcriber = transcriber
        self._model = model
        self._ledgers = ledgers
        self._payer = payer
        self._open: UUID | None = None

    @property
    def fingerprint(self) -> str:
        """That of the transcriber behind it."""
        return self._transcriber.fingerprint

    @property
    def hears_silence(self) -> bool:
        """Yes: the minutes of a lesson are those of its sound."""
        return True

    def paid_by(self, payer: Payer) -> "MeteredTranscriber":
        """The same transcriber, its minutes booked to `payer`."""
        return MeteredTranscriber(self._transcriber, self._model, self._ledgers, payer)

    def plan(self, duration_s: float) -> Sequence[PlannedCall]:
        """So much sound, as one call."""
        return (self._call(duration_s),) if duration_s > 0 else ()

    def within_budget(self, duration_s: float) -> AbstractContextManager[None]:
        """While it lasts, so many minutes are set aside; raises `OverBudget`."""
        return self._ledger.hold(self.plan(duration_s))

    def windows(self, audio: Path, after_s: float) -> Iterator[Window]:
        """Each window reserved before it is given out, settled when the next is due.

        Raises `OverBudget` when one does not fit.
        """
        for window in self._transcriber.windows(audio, after_s):
            call = self._call(window.end_s - window.start_s)
            usage_id = self._ledger.reserve(call)
            self._open = usage_id
            yield window
            self._open = None
            self._ledger.settle(usage_id, call.input_units, 0.0)

    def hear(self, window: Window, hints: Hints) -> Heard:
        """What the transcriber hears; a window that it fails at takes no minutes."""
        try:
            return self._transcriber.hear(window, hints)
        except BaseException:  # Ctrl-C, too
            self._give_back()
            raise

    def hear_again(self, stretch: Stretch, hints: Hints) -> HeardStretch | None:
        """What the transcriber hears the second time, which is not counted."""
        try:
            return self._transcriber.hear_again(stretch, hints)
        except BaseException:  # Ctrl-C, too
            self._give_back()
            raise

    @property
    def _ledger(self) -> UsageLedger:
        return self._ledgers.of(self._payer.creator_id)

    def _call(self, seconds: float) -> PlannedCall:
        return PlannedCall(
            provider=LOCAL,
            model=self._model,
            operation=Operation.TRANSCRIPTION,
            unit=Unit.SECONDS,
            # As windows are: their borders stand at whole milliseconds.
            input_units=round(seconds, 3),
            video_id=self._payer.video_id,
        )

    def _give_back(self) -> None:
        if self._open is not None:
            # The error on its way says more than that the ledger is away too.
            with suppress(MentoraError):
                self._ledger.fail(self._open)
            self._open = None
