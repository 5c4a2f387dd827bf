"""Transcription by the official SDK over a real socket, and where its words lie."""

from pathlib import Path

import numpy as np
import pytest

from mentora_pipelines.adapters.openai.languages import code_of
from mentora_pipelines.adapters.openai.transcription import MAX_UPLOAD_BYTES, as_flac
from mentora_pipelines.domain.lessons.recognition import (
    Hints,
    RecognisedWindow,
    join_windows,
    recognise,
)
from mentora_pipelines.domain.lessons.speech import SAMPLE_RATE
from mentora_pipelines.errors import ProviderRefused, Refusal
from tests.fix_ai import Hosted
from tests.fix_lessons import SAMPLES
from tests.fix_whisper import sound_of, write_flac
from tests.local_ai_server import AiServer

SAID = [
    ("Plants", 1.0, 1.4),
    ("make", 1.4, 1.6),
    ("sugar,", 1.7, 2.1),
    ("don't", 2.4, 2.7),
    ("they?", 2.7, 3.0),
    ("Self-driving", 4.0, 4.6),
    ("cars", 4.6, 5.0),
    ("eat", 5.1, 5.3),
    ("3.5", 5.4, 5.9),
    ("watts.", 6.0, 6.4),
]


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """Ten seconds of speech."""
    return write_flac(tmp_path / "lesson.flac", sound_of("photosynthesis", seconds=10))


def hear(hosted: Hosted, audio: Path, hints: Hints | None = None) -> RecognisedWindow:
    """The one window of a short lesson."""
    (window,) = recognise(audio, [], hosted.transcriber(), hints or Hints())
    return window


def test_words_get_their_signs_and_keep_their_times(
    hosted: Hosted, ai_server: AiServer, lesson: Path
) -> None:
    """Else no sentence ends, and a lesson is one caption and one chunk."""
    ai_server.hears = SAID
    heard = hear(hosted, lesson)
    assert [(w.text, w.start_s, w.end_s) for w in heard.words] == SAID
    assert all(
        w.probability == pytest.approx(np.exp(-0.2), abs=1e-3) for w in heard.words
    )
    assert heard.language == "en"


def test_without_times_of_words_those_of_sentences_are_shared_out(
    hosted: Hosted,
    ai_server: AiServer,
    lesson: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else a server of one's own that has none cannot be used at all."""
    ai_server.hears, ai_server.words = SAID, False
    words = hear(hosted, lesson).words
    assert [word.text for word in words] == [text for text, _, _ in SAID]
    assert words[0].start_s == 1.0
    assert words[4].end_s == 3.0
    assert words[5].start_s == 4.0
    starts = [word.start_s for word in words]
    assert starts == sorted(starts)
    assert "tells no times of words" in caplog.text


def test_a_model_that_tells_no_times_is_refused(hosted: Hosted, lesson: Path) -> None:
    """Else each citation points at the start of its window."""
    from tests.adapters.openai.odd_server import odd_server

    with odd_server(b'{"text": "Plants make sugar."}') as odd:
        hosted.openai_url = f"{odd.url}/v1"
        with pytest.raises(ProviderRefused, match="MENTORA_TRANSCRIPTION_MODEL") as no:
            hear(hosted, lesson)
    assert no.value.reason is Refusal.MODEL
    assert hosted.books.total() == (10.0, 0)


def test_hints_and_the_language_go_to_the_server(
    hosted: Hosted, ai_server: AiServer, lesson: Path
) -> None:
    """Else the names of a course are misheard in every lesson."""
    ai_server.hears = SAID
    terms = ("Calvin cycle", *(f"term{n}" for n in range(200)))
    heard = hear(hosted, lesson, Hints("de", terms))
    (asked,) = ai_server.bodies
    assert asked["language"] == b"de"
    assert asked["prompt"].startswith(b"Calvin cycle, term0")
    assert asked["prompt"].endswith(b".")
    assert heard.language == "de"
    assert heard.language_probability == 1.0


def test_a_lesson_is_cut_at_silences_and_booked_for_its_length(
    hosted: Hosted, ai_server: AiServer, tmp_path: Path
) -> None:
    """Else it is refused for its size, or at its last window for rounded seconds."""
    speech = sound_of("binary-search", seconds=60)
    silence = np.zeros(20 * SAMPLE_RATE, np.int16)
    sound = np.concatenate([speech, silence] * 5)
    audio = write_flac(tmp_path / "long.flac", sound)
    ai_server.hears = [("Word.", 0.0, 0.4), ("End.", 10.0, 10.4)]
    ai_server.whole_seconds = True
    windows = list(recognise(audio, [], hosted.transcriber(), Hints()))
    assert len(windows) == len(ai_server.served) > 1
    assert [w.start_s for w in windows[1:]] == [w.end_s for w in windows[:-1]]
    for window in windows:
        assert window.words[0].start_s == window.start_s
        assert window.words[1].start_s == pytest.approx(window.start_s + 10)
    duration_s = len(sound) / SAMPLE_RATE
    assert windows[-1].end_s == duration_s
    assert ai_server.total("/v1/audio/transcriptions") == (duration_s, 0)
    assert hosted.books.total() == (duration_s, 0)
    (planned,) = hosted.transcriber().plan(duration_s)
    assert planned.input_units == duration_s


def test_after_a_crash_only_the_windows_that_are_missing_are_sent(
    hosted: Hosted, ai_server: AiServer, tmp_path: Path
) -> None:
    """Else what was heard and paid for is paid for again."""
    sound = np.concatenate([sound_of("binary-search", seconds=60)] * 6)
    audio = write_flac(tmp_path / "long.flac", sound)
    ai_server.hears = [("Word.", 0.0, 0.4)]
    whole = list(recognise(audio, [], hosted.transcriber(), Hints()))
    sent = len(ai_server.served)
    assert sent == len(whole) > 1
    rest = list(recognise(audio, whole[:1], hosted.transcriber(), Hints()))
    assert whole[:1] + rest == whole
    assert len(ai_server.served) == 2 * sent - 1


def test_the_largest_window_is_small_enough_to_be_sent() -> None:
    """Else noise, which cannot be compressed, makes a lesson fail."""
    from mentora_pipelines.domain.lessons.speech import (
        FRAME_SAMPLES,
        MAX_WINDOW,
        STRETCH,
        STRETCHES,
    )

    longest = (MAX_WINDOW + (STRETCHES + 1) * STRETCH) * FRAME_SAMPLES
    second = np.random.default_rng(1).uniform(-1, 1, SAMPLE_RATE).astype(np.float32)
    per_second = len(as_flac(np.tile(second, 10))) / 10
    assert per_second * longest / SAMPLE_RATE < MAX_UPLOAD_BYTES


def test_nobody_is_paid_for_silence(
    hosted: Hosted, ai_server: AiServer, tmp_path: Path
) -> None:
    """Else a recording that was left running costs its hours."""
    audio = write_flac(tmp_path / "silence.flac", np.zeros(60 * SAMPLE_RATE, np.int16))
    (window,) = recognise(audio, [], hosted.transcriber(), Hints())
    assert window.words == ()
    assert ai_server.served == []


def test_a_stretch_that_was_heard_badly_is_not_paid_for_twice(
    hosted: Hosted, ai_server: AiServer, lesson: Path
) -> None:
    """Else a mumbled lesson costs twice what was planned."""
    ai_server.hears = [("so", n / 10, n / 10 + 0.1) for n in range(90)]
    heard = hear(hosted, lesson)
    assert heard.doubts
    assert heard.redone == 0
    assert len(ai_server.served) == 1


def test_what_is_said_comes_back_with_its_signs(
    hosted: Hosted, ai_server: AiServer, tmp_path: Path
) -> None:
    """Else something is lost between the sound and the words."""
    sound = sound_of("compound-interest", seconds=30)
    audio = write_flac(tmp_path / "lesson.flac", sound)
    hosted.timeout_s = 120
    heard = join_windows(list(recognise(audio, [], hosted.transcriber(), Hints())))
    said = [word.text for segment in heard.segments for word in segment.words]
    written = (SAMPLES / "compound-interest.txt").read_text().split()[: len(said)]
    assert len(said) > 50
    assert len(set(said) & set(written)) >= 0.9 * len(set(written))
    assert len(heard.segments) > 3
    assert len(ai_server.served) == 1


def test_another_server_is_another_transcriber(hosted: Hosted) -> None:
    """Else what one model heard passes for what another would have heard."""
    transcriber = hosted.transcriber("en")
    assert "whisper-1@127.0.0.1" in transcriber.fingerprint
    assert transcriber.fingerprint != hosted.transcriber("de").fingerprint


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("english", "en"),
        ("EN", "en"),
        ("pt-BR", "pt"),
        (None, None),
        ("klingon!", None),
    ],
)
def test_languages_are_known_by_name_and_by_code(
    told: str | None, code: str | None
) -> None:
    """Else a lesson is in the language "english", and no rule of English applies."""
    assert code_of(told) == code
