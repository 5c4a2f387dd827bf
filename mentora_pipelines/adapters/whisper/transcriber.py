"""The recogniser: windows of a lesson through a Whisper model.

Here belong the model's parameters and the translation of its output. Not here:
when a lesson is recognised or where its words are stored.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.whisper.models import identity_of, load
from mentora_pipelines.adapters.whisper.windows import windows_of
from mentora_pipelines.adapters.whisper.words import Piece, join_pieces
from mentora_pipelines.domain.lessons.doubts import HeardStretch
from mentora_pipelines.domain.lessons.recognition import Heard, Hints
from mentora_pipelines.domain.lessons.speech import (
    SAMPLE_RATE,
    STRETCHES,
    Stretch,
    Window,
)
from mentora_pipelines.errors import SettingsError
from mentora_pipelines.observability.timers import measured

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Segment

BEAM_SIZE = 1
"""With `STRETCHES` at a time, measured on a 12-minute lecture: twice the default's
speed per CPU second at a lower word error rate and the least memory."""

SECOND_BEAM_SIZE = 5
SECOND_TEMPERATURES = (0.0, 0.4)
"""The second hearing searches wider and, where Whisper's own limits are passed, takes
a less likely word now and then, which leads out of a loop."""

SECOND_TOKENS = 224
"""Tokens of 30 s at most: fast speech has 200, and a loop would go on to 448."""

SILENCE_S = 2.0
"""In the second hearing, words that look made up are skipped with the silence around
them when it is this long."""

GLOSSARY_TOKENS = 120
"""Tokens of the glossary at most. Whisper takes 223 before what it hears, and what it
writes shares 448 with them: 30 s of fast speech are about 200."""

PARAMETERS = (
    f"batched={STRETCHES},beam={BEAM_SIZE},speech=silero6,whole words,"
    f"again={SECOND_BEAM_SIZE}/{'/'.join(map(str, SECOND_TEMPERATURES))}"
)


class WhisperTranscriber:
    """Satisfies `Transcriber`; the model is loaded at first use, once per process.

    `model` is `tiny.en` (comes with the installation), a folder with a CTranslate2
    model, or the name of one that faster-whisper knows how to fetch. `language` is
    ISO 639-1, or None to let the model detect it.
    """

    def __init__(
        self, model: str, *, device: str = "cpu", language: str | None = None
    ) -> None:
        self._model = model
        self._device = device
        self._language = language

    @property
    def fingerprint(self) -> str:
        """Names the model and every parameter that changes the words it hears."""
        language = self._language or "auto"
        return (
            f"faster-whisper/{identity_of(self._model)}/{self._device}/"
            f"{PARAMETERS},language={language}"
        )

    def windows(self, audio: Path, after_s: float) -> Iterator[Window]:
        """The windows of a 16 kHz mono FLAC file that start at `after_s` or later."""
        return windows_of(audio, after_s)

    @measured("recognition")
    def hear(self, window: Window, hints: Hints) -> Heard:
        """Recognise the stretches of a window, all at once."""
        import numpy as np
        from faster_whisper import BatchedInferencePipeline

        model = load(self._model, self._device)
        sounds = [stretch.sound for stretch in window.stretches]
        borders = list(accumulate(map(len, sounds), initial=0))
        segments, facts = BatchedInferencePipeline(model).transcribe(
            np.concatenate(sounds),
            clip_timestamps=[
                {"start": start / SAMPLE_RATE, "end": end / SAMPLE_RATE}
                for start, end in pairwise(borders)
            ],
            batch_size=STRETCHES,
            beam_size=BEAM_SIZE,
            word_timestamps=True,
            language=self._spoken(hints, model),
            language_detection_segments=STRETCHES,
            hotwords=_within_budget(hints.glossary, model),
        )
        heard: list[list[Segment]] = [[] for _ in sounds]
        for segment in segments:
            # A seek is the start of its stretch, cut to hundredths of a second.
            inside = (segment.seek + 1.5) * SAMPLE_RATE / model.frames_per_second
            place = next(i for i, end in enumerate(borders[1:]) if inside <= end)
            heard[place].append(segment)
        return Heard(
            language=facts.language,
            language_probability=float(facts.language_probability),
            stretches=tuple(
                _heard(stretch, found, before / SAMPLE_RATE)
                for stretch, found, before in zip(
                    window.stretches, heard, borders, strict=False
                )
            ),
        )

    @measured("recognition")
    def hear_again(self, stretch: Stretch, hints: Hints) -> HeardStretch:
        """Recognise one stretch with a wider search, and without the glossary."""
        import ctranslate2

        model = load(self._model, self._device)
        # Words that are drawn by lot are the same in every run.
        ctranslate2.set_random_seed(0)
        segments, _ = model.transcribe(
            stretch.sound,
            beam_size=SECOND_BEAM_SIZE,
            temperature=list(SECOND_TEMPERATURES),
            best_of=1,
            max_new_tokens=SECOND_TOKENS,
            condition_on_previous_text=False,
            word_timestamps=True,
            hallucination_silence_threshold=SILENCE_S,
            language=self._spoken(hints, model),
        )
        return _heard(stretch, list(segments), 0.0)

    def _spoken(self, hints: Hints, model: "WhisperModel") -> str | None:
        """The language to expect, None to detect it."""
        language = hints.language or self._language
        known = model.supported_languages
        if language is None or language in known:
            return language
        knows = "English only" if known == ["en"] else f"{len(known)} languages"
        raise SettingsError(
            f"MENTORA_WHISPER_MODEL: {self._model} understands {knows}, and "
            f"{language!r} is set (MENTORA_LANGUAGE or the creator's settings)"
        )


def _within_budget(glossary: Sequence[str], model: "WhisperModel") -> str | None:
    """As many terms as the model takes, in their order, as one sentence.

    The model goes on in the style of what it reads: after a mere list it writes no
    full stops (28 instead of 46 in the three samples), after a sentence it does.
    """
    fitting: str | None = None
    for count in range(1, len(glossary) + 1):
        hotwords = f"{', '.join(glossary[:count])}."
        tokens = model.hf_tokenizer.encode(f" {hotwords}", add_special_tokens=False)
        if len(tokens.ids) > GLOSSARY_TOKENS:
            break
        fitting = hotwords
    return fitting


def _heard(
    stretch: Stretch, segments: "Sequence[Segment]", before_s: float
) -> HeardStretch:
    """A stretch with the words of its segments, whose times begin at `before_s`."""
    tokens = sum(len(segment.tokens) for segment in segments)
    return HeardStretch(
        words=tuple(join_pieces(_pieces(stretch, segments, before_s))),
        speech=stretch.speech,
        log_probability=sum(s.avg_logprob * len(s.tokens) for s in segments)
        / max(tokens, 1),
        silence_probability=max((s.no_speech_prob for s in segments), default=1.0),
    )


def _pieces(
    stretch: Stretch, segments: "Iterable[Segment]", before_s: float
) -> Iterator[Piece]:
    """The words at their times in the lesson; one never spans what was left out."""
    for segment in segments:
        for word in segment.words or ():
            start_s, end_s = word.start - before_s, word.end - before_s
            span = stretch.span_at((start_s + end_s) / 2)
            yield Piece(
                word.word,
                stretch.time_at(start_s, span=span),
                stretch.time_at(end_s, span=span),
                float(word.probability),
            )
