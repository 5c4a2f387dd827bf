"""Transcription by OpenAI's API or any server that speaks it, one's own included.

Here belong the request, its size, and where in a lesson its words lie. Not here: the
windows (`whisper/windows`), or how words get their signs (`heard_words`).

A window is sent whole, silences included: so the server hears sentences as they were
said, times need only its start added, and what is billed is its length. One in which
nobody speaks is not sent.
"""

import io
import logging
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from mentora_pipelines.adapters.media.flac import FlacTrack
from mentora_pipelines.adapters.openai.client import PROVIDER, OpenAiClient
from mentora_pipelines.adapters.openai.heard_words import (
    HeardSegment,
    HeardWord,
    timed_words,
)
from mentora_pipelines.adapters.openai.languages import code_of
from mentora_pipelines.adapters.openai.tokens import count_tokens
from mentora_pipelines.adapters.provider_calls.calls import Answer, ProviderCalls
from mentora_pipelines.adapters.provider_calls.faults import Spent, refused
from mentora_pipelines.adapters.whisper.windows import windows_of
from mentora_pipelines.domain.lessons.doubts import HeardStretch
from mentora_pipelines.domain.lessons.recognition import Heard, Hints
from mentora_pipelines.domain.lessons.speech import SAMPLE_RATE, Stretch, Window
from mentora_pipelines.domain.lessons.transcripts import Word
from mentora_pipelines.domain.spending.usage import (
    PLATFORM,
    Operation,
    Payer,
    PlannedCall,
    Unit,
)
from mentora_pipelines.errors import PermanentError, Refusal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_UPLOAD_BYTES = 25_000_000
"""The provider's limit. A window lasts nine minutes at most: 17 MB even if nothing of
it can be compressed."""

GLOSSARY_TOKENS = 120
"""Of the 224 that Whisper reads before what it hears."""

PARAMETERS = "verbose_json,whole windows"

_log = logging.getLogger(__name__)


class _Usage(BaseModel):
    seconds: float | None = Field(None, ge=0, allow_inf_nan=False)


class _Transcription(BaseModel):
    text: str
    language: str | None = None
    duration: float | None = Field(None, ge=0, allow_inf_nan=False)
    words: list[HeardWord] | None = None
    segments: list[HeardSegment] | None = None
    usage: _Usage | None = None


class OpenAiTranscriber:
    """Satisfies `Transcriber`, `Billed` and `PlansRecognition`.

    `language` is ISO 639-1, or None to let the server detect it. `provider` is who is
    paid, in the ledger and in prices.
    """

    def __init__(
        self,
        client: OpenAiClient,
        calls: ProviderCalls,
        *,
        model: str,
        host: str,
        language: str | None = None,
        provider: str = PROVIDER,
        payer: Payer = PLATFORM,
    ) -> None:
        self._client = client
        self._calls = calls
        self._model = model
        self._host = host
        self._language = language
        self._provider = provider
        self._payer = payer

    @property
    def fingerprint(self) -> str:
        """Names the model, who runs it, and what changes the words it hears."""
        language = self._language or "auto"
        return f"{PROVIDER}/{self._model}@{self._host}/{PARAMETERS},language={language}"

    @property
    def hears_silence(self) -> bool:
        """No: a window of it is not sent."""
        return False

    def paid_by(self, payer: Payer) -> "OpenAiTranscriber":
        """The same transcriber, its requests booked to `payer`."""
        return OpenAiTranscriber(
            self._client,
            self._calls,
            model=self._model,
            host=self._host,
            language=self._language,
            provider=self._provider,
            payer=payer,
        )

    def plan(self, duration_s: float) -> list[PlannedCall]:
        """What hearing so much sound takes at most, as one call."""
        return [self._planned(duration_s)] if duration_s > 0 else []

    def within_budget(self, duration_s: float) -> AbstractContextManager[None]:
        """While it lasts, so much sound is set aside; raises `OverBudget`."""
        return self._calls.hold(self._payer, self.plan(duration_s))

    def windows(self, audio: Path, after_s: float) -> Iterator[Window]:
        """The windows of a 16 kHz mono FLAC file that start at `after_s` or later."""
        return windows_of(audio, after_s, whole=True)

    def hear(self, window: Window, hints: Hints) -> Heard:
        """Recognise a window by one request."""
        import numpy as np

        sound = np.concatenate([stretch.sound for stretch in window.stretches])
        flac = as_flac(sound)
        if len(flac) > MAX_UPLOAD_BYTES:
            raise PermanentError(f"a window of {len(flac)} bytes is too large to send")
        call = self._planned(round(len(sound) / SAMPLE_RATE, 3))
        answer = self._calls.send(
            self._payer, call, partial(self._ask, flac, hints, call)
        )
        words, segments = answer.words or [], answer.segments or []
        if segments and not words:
            _log.warning(
                "%s tells no times of words: they are shared out within sentences",
                self._host,
            )
        spoken = hints.language or self._language
        start_s = window.stretches[0].spans[0].start_s
        timed = timed_words(words, segments, answer.text)
        return Heard(
            language=spoken or code_of(answer.language) or "und",
            # Servers do not say how sure they are of a language they detect.
            language_probability=1.0 if spoken else 0.0,
            stretches=tuple(_by_stretch(window.stretches, timed, segments, start_s)),
        )

    def hear_again(self, stretch: Stretch, hints: Hints) -> None:  # noqa: ARG002  (port)
        """Nothing: the server has no other means, and would be paid once more."""
        return

    def check_reachable(self) -> None:
        """Raise `MentoraError` unless the server answers and knows the model."""
        self._client.check_model(self._model)

    def _planned(self, seconds: float) -> PlannedCall:
        return PlannedCall(
            self._provider,
            self._model,
            Operation.TRANSCRIPTION,
            Unit.SECONDS,
            seconds,
            video_id=self._payer.video_id,
        )

    def _ask(
        self, flac: bytes, hints: Hints, call: PlannedCall
    ) -> Answer[_Transcription]:
        """One request; raises `Fault`."""
        from openai import omit

        api = self._client.api
        answer = self._client.read(
            lambda: api.audio.transcriptions.with_streaming_response.create(
                file=("window.flac", flac, "audio/flac"),
                model=self._model,
                response_format="verbose_json",
                timestamp_granularities=["word", "segment"],
                language=hints.language or self._language or omit,
                prompt=_prompt(hints.glossary) or omit,
            ),
            _Transcription,
        )
        spent = Spent(_heard_s(answer, call.input_units))
        if answer.text.strip() and not (answer.words or answer.segments):
            raise refused(
                PROVIDER,
                Refusal.MODEL,
                f"{self._model} tells no times: set MENTORA_TRANSCRIPTION_MODEL to one "
                "that answers verbose_json",
                spent,
            )
        return Answer(answer, spent)


def _heard_s(answer: _Transcription, sent_s: float) -> float:
    """Seconds that a window is booked at: what the server says that it heard.

    OpenAI bills whole seconds (API reference, verbose JSON: 8.47 s of sound are 9 s of
    usage). What it rounds up is not held against a lesson, whose windows would take
    more of a budget together than was planned and the last of them be refused.
    """
    told = answer.usage.seconds if answer.usage else None
    heard_s = told or answer.duration or sent_s
    return sent_s if sent_s <= heard_s < sent_s + 1 else heard_s


def as_flac(sound: "NDArray[np.float32]") -> bytes:
    """16 kHz mono FLAC of samples between -1 and 1."""
    import av
    import numpy as np

    samples = np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)
    target = io.BytesIO()
    track = FlacTrack(target, len(samples))
    for start in range(0, len(samples), SAMPLE_RATE):
        part = np.ascontiguousarray(samples[None, start : start + SAMPLE_RATE])
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        track.write(frame)
    track.end()
    return target.getvalue()


def _prompt(glossary: Sequence[str]) -> str | None:
    """As many terms as the model reads, in their order, as one sentence.

    The model goes on in the style of what it reads.
    """
    sentences = [f"{', '.join(glossary[: n + 1])}." for n in range(len(glossary))]
    fitting = takewhile(
        lambda one: count_tokens([one])[0] <= GLOSSARY_TOKENS, sentences
    )
    return max(fitting, key=len, default=None)


def _by_stretch(
    stretches: Sequence[Stretch],
    words: Sequence[Word],
    segments: Sequence[HeardSegment],
    start_s: float,
) -> Iterator[HeardStretch]:
    """Each stretch with what was said in it, at its times in the lesson."""
    borders = [stretch.spans[0].start_s for stretch in stretches[1:]]
    end_s = stretches[-1].spans[-1].end_s
    said: list[list[Word]] = [[] for _ in stretches]
    for word in words:
        from_s = min(start_s + word.start_s, end_s)
        until_s = min(start_s + word.end_s, end_s)
        said[bisect_right(borders, from_s)].append(
            replace(word, start_s=round(from_s, 3), end_s=round(until_s, 3))
        )
    measured: list[list[HeardSegment]] = [[] for _ in stretches]
    for one in segments:
        middle_s = start_s + (one.start + one.end) / 2
        measured[bisect_right(borders, middle_s)].append(one)
    for stretch, own_words, own in zip(stretches, said, measured, strict=True):
        told = [(s.avg_logprob, len(s.text)) for s in own if s.avg_logprob is not None]
        signs = max(1, sum(length for _, length in told))
        yield HeardStretch(
            words=tuple(own_words),
            speech=stretch.speech,
            log_probability=sum(mean * length for mean, length in told) / signs,
            silence_probability=max(
                (s.no_speech_prob or 0.0 for s in own), default=0.0
            ),
        )
