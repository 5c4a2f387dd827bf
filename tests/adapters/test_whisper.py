import io
import re
import wave
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest

from mentora_pipelines.adapters.media.decoder import PyAvDecoder
from mentora_pipelines.adapters.whisper.models import BUNDLED_MODEL
from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
from mentora_pipelines.adapters.whisper.words import Piece, join_pieces
from mentora_pipelines.domain.lessons.recognition import (
    Hints,
    join_windows,
    recognise,
)
from mentora_pipelines.domain.lessons.speech import SAMPLE_RATE, Span, Stretch, Window
from mentora_pipelines.domain.lessons.transcripts import Recognition
from mentora_pipelines.errors import SettingsError
from tests.fix_lessons import SAMPLES

LESSON = "compound-interest"

SILENT_WINDOW = Window(
    0.0,
    1.0,
    True,
    (Stretch((Span(0.0, 1.0),), (), np.zeros(SAMPLE_RATE, np.float32)),),
)


def recognised(upload: bytes, folder: Path) -> tuple[Recognition, float]:
    """What the bundled model hears in an upload, and how long the upload is."""
    decoder = PyAvDecoder(max_bytes=1 << 30, max_duration_s=3600)
    flac = folder / "audio.flac"
    with decoder.take_in(io.BytesIO(upload)) as source, source.decode() as audio:
        flac.write_bytes(audio.content.read())
        transcriber = WhisperTranscriber(BUNDLED_MODEL)
        windows = list(recognise(flac, [], transcriber, Hints()))
        return join_windows(windows), audio.duration_s


def plain(text: str) -> str:
    """The words alone, in lower case."""
    return " ".join(re.findall(r"[\w']+", text.lower()))


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recognition, float]:
    """A sample lesson, recognised once for all tests."""
    upload = (SAMPLES / f"{LESSON}.mp4").read_bytes()
    return recognised(upload, tmp_path_factory.mktemp("heard"))


def test_the_words_of_a_lesson_are_heard(heard: tuple[Recognition, float]) -> None:
    """Else transcripts are of no use to anybody."""
    said = (SAMPLES / f"{LESSON}.txt").read_text(encoding="utf-8")
    text = " ".join(segment.text for segment in heard[0].segments)
    assert jiwer.wer(plain(said), plain(text)) < 0.25
    assert heard[0].language == "en"


def test_words_stand_in_the_order_of_their_times(
    heard: tuple[Recognition, float],
) -> None:
    """Else captions jump, and the lesson is not published."""
    recognition, duration_s = heard
    words = [word for segment in recognition.segments for word in segment.words]
    assert len(words) > 100
    assert all(one.start_s <= two.start_s for one, two in pairwise(words))
    assert all(word.start_s <= word.end_s for word in words)
    assert 0 <= words[0].start_s < words[-1].end_s <= duration_s + 0.5
    assert recognition.duration_s == pytest.approx(duration_s, abs=0.1)
    assert all(word.text == word.text.strip() != "" for word in words)
    assert all(0 <= word.probability <= 1 for word in words)


def test_segments_are_sentences(heard: tuple[Recognition, float]) -> None:
    """Else chunks and quotations are cut in the middle of a thought."""
    segments = heard[0].segments
    ended = [segment for segment in segments if segment.text[-1] in ".?!"]
    assert len(ended) / len(segments) > 0.9
    assert len(segments) > 5


def test_silence_holds_no_word(tmp_path: Path) -> None:
    """Else a silent video is published with invented words, or crashes the run."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 16_000 * 5))
    recognition, _ = recognised(content.getvalue(), tmp_path)
    assert recognition.segments == ()
    assert recognition.duration_s == pytest.approx(5, abs=0.1)


def model_folder(folder: Path, weights: bytes) -> str:
    """A folder that looks like a model with these weights."""
    folder.mkdir()
    (folder / "model.bin").write_bytes(weights)
    return str(folder)


def test_the_fingerprint_names_the_weights_and_the_language(tmp_path: Path) -> None:
    """Else a new model's words are taken for the old one's and never made."""
    large = bytes(1 << 17)
    models = [
        BUNDLED_MODEL,
        "large-v3",
        model_folder(tmp_path / "a", b"one"),
        model_folder(tmp_path / "b", b"two"),
        model_folder(tmp_path / "c", large + b"x"),
        model_folder(tmp_path / "d", large + b"y"),
        model_folder(tmp_path / "e", b"y" + large),
    ]
    made = {
        WhisperTranscriber(model, device=device, language=language).fingerprint
        for model in models
        for device in ("cpu", "cuda")
        for language in (None, "en", "de")
    }
    assert len(made) == len(models) * 2 * 3


def test_the_fingerprint_does_not_depend_on_where_the_model_lies(
    tmp_path: Path,
) -> None:
    """Else moving a folder pays for the recognition of every lesson again."""
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    one = model_folder(tmp_path / "x" / "model", b"same")
    two = model_folder(tmp_path / "y" / "model", b"same")
    assert WhisperTranscriber(one).fingerprint == WhisperTranscriber(two).fingerprint


@pytest.mark.parametrize("missing", ["folder", "weights", "wrong weights", "name"])
def test_a_missing_model_is_a_setting_to_mend(tmp_path: Path, missing: str) -> None:
    """Else the creator reads that the video is at fault, or the run asks a network."""
    names = {
        "folder": str(tmp_path / "no-such-folder"),
        "weights": str(tmp_path),
        "wrong weights": model_folder(tmp_path / "wrong", b"these are no weights"),
        "name": "no-such-model",
    }
    transcriber = WhisperTranscriber(names[missing])
    with pytest.raises(SettingsError, match="MENTORA_WHISPER_MODEL"):
        transcriber.hear(SILENT_WINDOW, Hints())


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([" a", " self", "-driving", " car."], ["a", "self-driving", "car."]),
        ([" 21", "-year", "-old"], ["21-year-old"]),
        ([" cost", " 3", ".5", " million"], ["cost", "3.5", "million"]),
        ([" – ", " yes"], ["–", "yes"]),
        (["你", "好"], ["你", "好"]),
        (["", " ", " word"], ["word"]),
    ],
)
def test_the_pieces_of_a_word_are_one_word(pieces: list[str], words: list[str]) -> None:
    """Else captions and quizzes tear apart what is written with a hyphen."""
    heard = [Piece(text, at, at + 0.5, 0.9) for at, text in enumerate(pieces)]
    joined = list(join_pieces(heard))
    assert [word.text for word in joined] == words
    assert all(word.start_s < word.end_s for word in joined)
