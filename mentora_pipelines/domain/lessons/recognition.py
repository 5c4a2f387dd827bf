"""Recognition: a lesson is heard window by window, and no window twice.

Here belong the port of the recogniser, the rule when recognition is due, its
checkpoints and what happens to a stretch that was heard badly. Not here: decoding
sound, cutting it (`speech`), measuring doubt (`doubts`), or any speech model.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable
from uuid import UUID

from mentora_pipelines.domain.identity import content_hash, transcript_id_of
from mentora_pipelines.domain.lessons.doubts import (
    HeardStretch,
    doubtful_s,
    doubts_of,
    is_better,
    mark_segments,
)
from mentora_pipelines.domain.lessons.sentences import split_sentences
from mentora_pipelines.domain.lessons.speech import Stretch, Window
from mentora_pipelines.domain.lessons.transcripts import (
    Doubt,
    Origin,
    Recognition,
    Transcript,
    TranscriptStore,
    Word,
)
from mentora_pipelines.domain.spending.usage import (
    PlansRecognition,
    paid_by,
    payer_of,
)
from mentora_pipelines.domain.storage import ObjectStorage
from mentora_pipelines.domain.videos import Video, VideoStatus
from mentora_pipelines.errors import ErrorCode, LessonRefused, NotFound

SETTLED = 0.8
"""A language detected with this probability holds for the rest of the lesson; until
then each window is asked again, since a lesson may begin with music."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a creator tells about the speech of the lessons.

    `language` is ISO 639-1, or None for the platform's setting; `glossary` holds names
    and terms as they are written, the most important first.
    """

    language: str | None = None
    glossary: tuple[str, ...] = ()

    def name(self, transcriber: str) -> str:
        """The fingerprint of a transcriber that is given these hints."""
        if self.language is not None:
            transcriber += f",spoken={self.language}"
        if self.glossary:
            digest = content_hash("\n".join(self.glossary))
            transcriber += f",glossary={digest[:16]}"
        return transcriber


@dataclass(frozen=True, slots=True)
class Heard:
    """What a transcriber made of a window: one item for each of its stretches.

    `language` is ISO 639-1; its probability is 1 when it was given.
    """

    language: str
    language_probability: float
    stretches: tuple[HeardStretch, ...]


@runtime_checkable
class Transcriber(Protocol):
    """Turns recorded speech into timed words.

    Its methods raise `TransientError` when a service did not answer,
    `PermanentError` when it refused and `SettingsError` when what is set cannot be.
    """

    @property
    def fingerprint(self) -> str:
        """Names the model and every parameter that changes the words it hears."""
        ...

    def windows(self, audio: Path, after_s: float) -> Iterator[Window]:
        """The windows of a 16 kHz mono FLAC file that start at `after_s` or later.

        `after_s` is 0 or the end of a window; the rest is cut as it would have been.
        """
        ...

    def hear(self, window: Window, hints: Hints) -> Heard:
        """Recognise the stretches of a window."""
        ...

    def hear_again(self, stretch: Stretch, hints: Hints) -> HeardStretch | None:
        """Recognise one stretch with more effort and by other means than at first.

        None when there are no other means.
        """
        ...


@dataclass(frozen=True, slots=True)
class RecognisedWindow:
    """What is remembered of a window; times in seconds from the start of the video.

    `language` is None when nobody spoke. `speech_s` is how long somebody did, and
    `redone` counts the stretches that were heard twice.
    """

    start_s: float
    end_s: float
    is_last: bool
    language: str | None
    language_probability: float
    words: tuple[Word, ...]
    doubts: tuple[Doubt, ...]
    speech_s: float
    redone: int


@runtime_checkable
class WindowStore(Protocol):
    """Keeps the windows of a transcript that is being made, until it stands."""

    def recognised_windows(
        self, video: Video, transcript_id: UUID
    ) -> list[RecognisedWindow]:
        """The windows of a version that are done, by time."""
        ...

    def add_recognised_window(
        self, video: Video, transcript_id: UUID, window: RecognisedWindow
    ) -> None:
        """Remember a window; the first one makes the store forget other versions."""
        ...

    def recognition_hints(self, video: Video) -> Hints:
        """What the creator of the video has set."""
        ...


@runtime_checkable
class RecognitionStore(TranscriptStore, WindowStore, Protocol):
    """All that recognition reads and writes."""


@dataclass(frozen=True, slots=True)
class RecognitionFigures:
    """What it took: counts of windows and stretches, and seconds of speech.

    `recognised` are the windows of this run, `remembered` those of an earlier one.
    """

    recognised: int
    remembered: int
    redone: int
    speech_s: float


@dataclass(frozen=True, slots=True)
class TranscriptFigures:
    """What one run of `transcribe_lesson` came to; no `figures` when it was known."""

    transcript: Transcript
    figures: RecognitionFigures | None

    @property
    def recognised(self) -> bool:
        """Whether this run has made the transcript."""
        return self.figures is not None

    def as_plain(self) -> dict[str, str | int | float | bool]:
        """The numbers that an operator wants, by name."""
        made = self.transcript
        figures = self.figures
        plain: dict[str, str | int | float | bool] = {
            "words": made.word_count,
            "sentences": len(made.segments),
            "duration_s": made.duration_s,
            "language": made.language,
            "doubtful_s": doubtful_s(made.doubts),
            "recognised": self.recognised,
            "windows_recognised": figures.recognised if figures else 0,
            "windows_remembered": figures.remembered if figures else 0,
            "stretches_heard_twice": figures.redone if figures else 0,
            "transcriber": made.fingerprint,
            "transcript_id": str(made.id),
        }
        if figures and figures.speech_s:
            plain["speech_s"] = figures.speech_s
            plain["words_per_s"] = round(made.word_count / figures.speech_s, 2)
        return plain


def transcribe_lesson(
    video: Video,
    *,
    storage: ObjectStorage,
    transcriber: Transcriber,
    store: RecognitionStore,
    status: VideoStatus,
) -> TranscriptFigures:
    """Recognise the newest audio of `video` unless this transcriber has done so.

    An edited version of the same bytes stays. Raises `LessonRefused` when nobody
    speaks in the lesson, and when the rest of it does not fit into the budget.
    """
    if video.audio_key is None or video.source_hash is None:
        raise NotFound(f"video {video.id} has no audio yet: run `audio`")
    hints = store.recognition_hints(video)
    fingerprint = hints.name(transcriber.fingerprint)
    wanted = transcript_id_of(video.id, video.source_hash, fingerprint)
    known = known_version(video, wanted, store)
    if known is not None and known == video.staged_transcript_id:
        return TranscriptFigures(store.transcript(video, known), None)

    status.mark_processing(video)
    if known is not None:
        store.stage_transcript(video, known)
        return TranscriptFigures(store.transcript(video, known), None)

    windows = store.recognised_windows(video, wanted)
    remembered = len(windows)
    if not (windows and windows[-1].is_last):
        transcriber = paid_by(transcriber, payer_of(video))
        # All of it before the first window: half a lesson is of no use to anybody.
        left_s = remaining_s(video, windows)
        with (
            _affordable(transcriber, left_s),
            storage.local(video.audio_key) as audio,
        ):
            for window in recognise(audio, windows, transcriber, hints):
                store.add_recognised_window(video, wanted, window)
                windows.append(window)
    heard = join_windows(windows)
    if not any(segment.words for segment in heard.segments):
        raise LessonRefused(
            ErrorCode.NO_SPEECH, f"no word in {heard.duration_s:.1f} s of audio"
        )
    transcript = Transcript(
        id=wanted,
        video_id=video.id,
        creator_id=video.creator_id,
        source_hash=video.source_hash,
        fingerprint=fingerprint,
        origin=Origin.RECOGNISED,
        language=heard.language,
        duration_s=heard.duration_s,
        segments=heard.segments,
    )
    store.add_transcript(video, transcript)
    return TranscriptFigures(
        transcript,
        RecognitionFigures(
            recognised=len(windows) - remembered,
            remembered=remembered,
            redone=sum(window.redone for window in windows),
            speech_s=round(sum(window.speech_s for window in windows), 3),
        ),
    )


def _affordable(
    transcriber: Transcriber, duration_s: float
) -> AbstractContextManager[None]:
    """While it lasts, so much sound is paid for, if anybody pays for it."""
    if isinstance(transcriber, PlansRecognition):
        return transcriber.within_budget(duration_s)
    return nullcontext()


def known_version(video: Video, wanted: UUID, store: TranscriptStore) -> UUID | None:
    """The stored version that makes recognition needless, or None.

    The one that is wanted, unless a person has edited what was heard in these bytes.
    """
    if video.staged_transcript_id is not None:
        staged = store.transcript_version(video, video.staged_transcript_id)
        if staged is not None and (
            staged.id == wanted
            or (
                staged.origin is Origin.EDITED
                and staged.source_hash == video.source_hash
            )
        ):
            return staged.id
    return None if store.transcript_version(video, wanted) is None else wanted


def remaining_s(video: Video, windows: Sequence[RecognisedWindow]) -> float:
    """Seconds of sound that these windows leave to be heard."""
    heard_s = windows[-1].end_s if windows else 0.0
    return max(0.0, (video.duration_s or 0.0) - heard_s)


def recognise(
    audio: Path,
    known: Sequence[RecognisedWindow],
    transcriber: Transcriber,
    hints: Hints,
) -> Iterator[RecognisedWindow]:
    """Hear what follows the windows that are `known`, each as soon as it is done."""
    language = next((w.language for w in known if _is_settled(w)), None)
    after_s = known[-1].end_s if known else 0.0
    for window in transcriber.windows(audio, after_s):
        settled = Hints(language or hints.language, hints.glossary)
        done = _recognised(window, transcriber, settled)
        if language is None and _is_settled(done):
            language = done.language
        yield done


def join_windows(windows: Sequence[RecognisedWindow]) -> Recognition:
    """The whole lesson out of all its windows, sentences across their borders whole."""
    words_by_language: Counter[str] = Counter()
    for window in windows:
        if window.language is not None:
            words_by_language[window.language] += len(window.words)
    most_common = words_by_language.most_common(1)
    segments = split_sentences(word for window in windows for word in window.words)
    doubts = [doubt for window in windows for doubt in window.doubts]
    return Recognition(
        language=most_common[0][0] if most_common else "und",
        duration_s=windows[-1].end_s if windows else 0.0,
        segments=mark_segments(segments, doubts),
    )


def _is_settled(window: RecognisedWindow) -> bool:
    return window.language is not None and window.language_probability >= SETTLED


def _recognised(
    window: Window, transcriber: Transcriber, hints: Hints
) -> RecognisedWindow:
    """A window heard, its bad stretches twice."""
    if not window.stretches:
        return RecognisedWindow(
            window.start_s, window.end_s, window.is_last, None, 0.0, (), (), 0.0, 0
        )
    heard = transcriber.hear(window, hints)
    spoken = Hints(heard.language, hints.glossary)
    words: list[Word] = []
    doubts: list[Doubt] = []
    redone = 0
    for stretch, first in zip(window.stretches, heard.stretches, strict=True):
        best, best_doubts = first, _doubts(first, spoken)
        second = transcriber.hear_again(stretch, spoken) if best_doubts else None
        if second is not None:
            redone += 1
            second_doubts = _doubts(second, spoken)
            if is_better(second, second_doubts, best, best_doubts):
                best, best_doubts = second, second_doubts
        words += best.words
        doubts += best_doubts
    return RecognisedWindow(
        start_s=window.start_s,
        end_s=window.end_s,
        is_last=window.is_last,
        language=heard.language,
        language_probability=heard.language_probability,
        words=tuple(words),
        doubts=tuple(doubts),
        speech_s=round(
            sum(s.duration_s for one in window.stretches for s in one.speech), 3
        ),
        redone=redone,
    )


def _doubts(heard: HeardStretch, hints: Hints) -> tuple[Doubt, ...]:
    return doubts_of(heard, language=hints.language or "", glossary=hints.glossary)
