"""The adapters against a server that others wrote after the real services."""

from pathlib import Path

import numpy as np
import pytest

from mentora_pipelines.domain.lessons.recognition import Hints, recognise
from mentora_pipelines.domain.quizzes.questions import QuizWishes
from tests.adapters.claude.test_quiz_writer import lesson, sentences, sound
from tests.fix_ai import Hosted
from tests.fix_whisper import sound_of, write_flac


@pytest.fixture
def hosted(aimock: str) -> Hosted:
    """The adapters of hosted models, asking that server."""
    return Hosted(f"{aimock}/v1", aimock)


@pytest.mark.parametrize("dimensions", [1536, 256])
def test_vectors_have_the_size_that_is_asked_for(
    hosted: Hosted, dimensions: int
) -> None:
    """Else they do not fit into the index."""
    vectors = hosted.embedder(dimensions).embed(["a leaf", "a list", "a loan"])
    assert vectors.shape == (3, dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert hosted.books.states() == ["settled"]
    assert hosted.books.total()[0] > 0


def test_a_transcription_becomes_words_with_times(
    hosted: Hosted, tmp_path: Path
) -> None:
    """Else we understand our own server only."""
    sound = sound_of("photosynthesis", seconds=10)
    audio = write_flac(tmp_path / "lesson.flac", sound)
    (window,) = recognise(audio, [], hosted.transcriber(), Hints())
    assert [word.text for word in window.words] == (
        ["Plants", "make", "sugar.", "It", "is", "sweet."]
    )
    assert window.words[3].start_s == 3.0
    assert window.language == "en"
    assert hosted.books.total() == (10.0, 0)


def test_a_tool_call_becomes_a_question(hosted: Hosted) -> None:
    """Else we understand our own server only."""
    transcript, chunks = lesson(sentences(10))
    questions = hosted.quiz_writer().write(transcript, chunks, QuizWishes(1))
    kept = sound(questions, transcript)
    assert kept == questions
    assert [question.answer for question in kept] == ["chlorophyll"]
    assert hosted.books.states() == ["settled"]
