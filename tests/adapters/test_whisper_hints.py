"""What a creator tells about the speech: its language, and how names are written."""

from pathlib import Path

import pytest

from mentora_pipelines.adapters.whisper.models import BUNDLED_MODEL
from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
from mentora_pipelines.domain.lessons.recognition import Heard, Hints
from mentora_pipelines.domain.lessons.speech import Window
from mentora_pipelines.errors import SettingsError
from tests.fix_whisper import sound_of, write_flac


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """The first 28 seconds of a lesson about plants."""
    flac = tmp_path_factory.mktemp("plants") / "audio.flac"
    write_flac(flac, sound_of("photosynthesis", seconds=28))
    (found,) = WhisperTranscriber(BUNDLED_MODEL).windows(flac, 0.0)
    return found


def text_of(heard: Heard) -> str:
    """All that was heard."""
    return " ".join(stretch.text for stretch in heard.stretches)


def test_a_multilingual_model_finds_the_language_out(
    multilingual_model: Path, window: Window
) -> None:
    """Else a creator who has set nothing gets another language's words."""
    heard = WhisperTranscriber(str(multilingual_model)).hear(window, Hints())
    assert heard.language == "en"
    assert 0.8 <= heard.language_probability <= 1
    assert "plants make their own food" in text_of(heard)


def test_a_set_language_is_obeyed(multilingual_model: Path, window: Window) -> None:
    """Else a lesson with English terms is taken for an English one."""
    transcriber = WhisperTranscriber(str(multilingual_model), language="en")
    heard = transcriber.hear(window, Hints("de"))
    assert (heard.language, heard.language_probability) == ("de", 1)
    words = text_of(heard).lower().split()
    assert {"die", "der", "und", "ist", "wie", "das"} & set(words)
    again = transcriber.hear_again(window.stretches[0], Hints("de"))
    assert again.text != ""


@pytest.mark.parametrize(
    ("multilingual", "language", "knows"),
    [(False, "de", "English only"), (True, "xx", "100 languages")],
)
def test_a_language_that_the_model_lacks_is_a_setting_to_mend(
    multilingual_model: Path,
    window: Window,
    multilingual: bool,
    language: str,
    knows: str,
) -> None:
    """Else German lessons are written in English sounds, and nobody is told."""
    model = str(multilingual_model) if multilingual else BUNDLED_MODEL
    for transcriber, hints in (
        (WhisperTranscriber(model, language=language), Hints()),
        (WhisperTranscriber(model), Hints(language)),
    ):
        with pytest.raises(SettingsError, match=f"{knows}.*'{language}'"):
            transcriber.hear(window, hints)


def test_a_name_is_written_as_the_glossary_has_it(window: Window) -> None:
    """Else every name of a course is wrong in every caption."""
    transcriber = WhisperTranscriber(BUNDLED_MODEL)
    planted = Hints(glossary=("Fotosynthesis", "Chlorofyll", "Melvin Calvin"))
    with_glossary = text_of(transcriber.hear(window, planted))
    assert "Fotosynthesis is the process" in with_glossary
    assert "Chlorofyll" in with_glossary
    assert with_glossary.count(".") >= 4, "a list would cost the full stops"
    assert "Calvin" not in with_glossary, "what is not said is not written"
    assert "Photosynthesis is" in text_of(transcriber.hear(window, Hints()))


def test_a_glossary_beyond_the_budget_is_cut(window: Window) -> None:
    """Else a long list of terms fails the lesson, or leaves no room for its words."""
    transcriber = WhisperTranscriber(BUNDLED_MODEL)
    many = ("Fotosynthesis", *(f"Terminologicus{n}" for n in range(500)))
    heard = text_of(transcriber.hear(window, Hints(glossary=many)))
    assert "green plants" in heard
    assert "Fotosynthesis" in heard
