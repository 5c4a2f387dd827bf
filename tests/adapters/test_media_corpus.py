import hashlib
import io
import socket
from collections.abc import Iterator

import av
import numpy as np
import pytest

from mentora_pipelines.adapters.media.child_process import Outcome
from mentora_pipelines.adapters.media.decoder import LocalSource, PyAvDecoder
from mentora_pipelines.errors import LessonRefused
from tests.media_corpus import CORPUS, LONGEST_S, Bait, Upload
from tests.media_files import Sound
from tests.media_forgeries import tone16, wav

MOST_MEMORY = 1300 << 20
BUDGET_S = 20.0
"""CPU of one file; the corpus is small, so that more means a decoder gone astray."""


@pytest.fixture(scope="module")
def trap() -> Iterator[socket.socket]:
    """A server that nobody must ever call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def bait(trap: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Bait:
    """A good sound file of somebody else, and an address."""
    path = tmp_path_factory.mktemp("other") / "other.wav"
    path.write_bytes(wav(16_000, 1, tone16(2, 16_000)))
    return Bait(str(path), f"http://127.0.0.1:{trap.getsockname()[1]}/a.wav")


def heard(source: LocalSource) -> Sound:
    """The samples that were stored."""
    with av.open(str(source.sound), "r", format="flac") as flac:
        stream = flac.streams.audio[0]
        assert (stream.rate, stream.layout.name) == (16_000, "mono")
        samples = [frame.to_ndarray()[0] for frame in flac.decode(stream)]
    return (np.concatenate(samples) / 32768).astype(np.float32)


def check_sound(upload: Upload, outcome: Outcome, sound: Sound) -> None:
    """The tone of the upload, as long and at the times that it was made."""
    assert outcome.duration_s == pytest.approx(upload.seconds, abs=0.1)
    assert len(sound) == pytest.approx(outcome.duration_s * 16_000, abs=1)
    if not upload.hertz:
        assert np.abs(sound).max() < 0.001
        return
    for start_s, end_s in upload.spans or ((0.2, upload.seconds - 0.2),):
        span = sound[int(start_s * 16_000) : int(end_s * 16_000)]
        spectrum = np.abs(np.fft.rfft(span * np.hanning(len(span))))
        hertz = np.argmax(spectrum) * 16_000 / len(span)
        assert hertz == pytest.approx(upload.hertz, abs=6)
        # No tenth of a second of it is missing, or drowned in the others.
        parts = np.array_split(span, max(1, len(span) // 1600))
        assert min(float(np.abs(part).max()) for part in parts) > 0.1


@pytest.mark.parametrize("name", CORPUS)
def test_each_upload_ends_with_its_sound_or_its_code(
    name: str, bait: Bait, trap: socket.socket
) -> None:
    """Else a file crashes, hangs or robs us, or a creator is told nothing of use."""
    upload = CORPUS[name]
    content = upload.make(bait)
    decoder = PyAvDecoder(
        max_bytes=1 << 30, max_duration_s=LONGEST_S, language=upload.language
    )
    code = None
    try:
        with decoder.take_in(io.BytesIO(content), len(content)) as source:
            assert source.sha256 == hashlib.sha256(content).hexdigest()
            outcome = source.run()
            assert 0 < outcome.usage.peak_bytes < MOST_MEMORY
            assert outcome.usage.cpu_s < BUDGET_S
            assert outcome.usage.is_confined
            if outcome.refused is None:
                check_sound(upload, outcome, heard(source))
            else:
                code = outcome.refused.code
    except LessonRefused as refused:
        code = refused.code
    assert code in (upload.codes or (None,))
    with pytest.raises(BlockingIOError):
        trap.accept()


def test_the_corpus_is_large_and_holds_both_kinds() -> None:
    """Else the test above proves little."""
    bad = [name for name, upload in CORPUS.items() if upload.codes]
    assert len(bad) >= 30
    assert len(CORPUS) - len(bad) >= 30
