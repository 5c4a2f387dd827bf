import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from mentora_pipelines.adapters.media.decoder import PyAvDecoder
from mentora_pipelines.adapters.private_folder import (
    PREFIX,
    YOUNG_S,
    private_folder,
)
from mentora_pipelines.errors import ErrorCode, LessonRefused, TransientError
from tests.media_files import Track, media
from tests.media_forgeries import tone16, wav
from tests.waiting import wait_until

FAULTY = "tests.faulty_decoder"


def asking_for(way: str) -> bytes:
    """A file that makes the faulty decoder fail in this way."""
    return wav(16_000, 1, way.encode() + bytes(4096 - len(way)).replace(b"\0", b" "))


def end_of(content: bytes, start_wall_s: float = 60.0) -> str:
    """What the faulty decoder's end is taken for."""
    decoder = PyAvDecoder(max_bytes=1 << 20, max_duration_s=10, child_module=FAULTY)
    with decoder.take_in(io.BytesIO(content), len(content)) as source:
        limits = replace(source.limits, start_wall_s=start_wall_s)
        with pytest.raises((LessonRefused, TransientError)) as ended:
            replace(source, limits=limits).run()
        return str(ended.value)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("segfault", "SIGSEGV"),
        ("abort", "SIGABRT"),
        ("spin", "SIGXCPU"),
        ("exit", "exit status 0"),
        ("say {", "a report that is none"),
        ('say {"decoded": {"duration_s": 1e308}}', "a number that is none"),
        (
            'say {"decoded": {"duration_s": 99}, "cpu_s": 0, "peak_bytes": 0}',
            "a duration that cannot be",
        ),
        (
            'say {"refused": {"code": "no"}, "cpu_s": 0, "peak_bytes": 0}',
            "a code that does not exist",
        ),
        ("flood", "reports without end"),
    ],
)
def test_a_file_that_crashes_its_decoder_twice_is_refused(way: str, told: str) -> None:
    """Else one poison file takes the worker down, again and again."""
    ended = end_of(asking_for(way))
    assert ended == f"{ErrorCode.DECODER_CRASHED}: wav: {told}, 2 times"


def test_a_decoder_that_crashes_once_is_tried_again(tmp_path: Path) -> None:
    """Else a creator is sent away for a fault of this machine."""
    marker = tmp_path / "tried"
    decoder = PyAvDecoder(max_bytes=1 << 20, max_duration_s=10, child_module=FAULTY)
    content = wav(16_000, 1, f"once {marker}".ljust(4096).encode() + tone16(2, 16_000))
    with decoder.take_in(io.BytesIO(content)) as source:
        assert source.run().duration_s == pytest.approx(2.128, abs=0.01)
    assert marker.exists()


def test_a_killed_decoder_or_a_full_disk_is_a_fault_of_the_machine() -> None:
    """Else a creator reads that the video is damaged when memory was short."""
    assert "killed" in end_of(asking_for("killed"))
    assert "No space left" in end_of(asking_for("disk"))


def test_a_decoder_that_hangs_is_killed(tmp_path: Path) -> None:
    """Else a worker waits for ever."""
    marker = tmp_path / "pid"
    for wall_s in (1.0, 4.0, 16.0):  # a busy machine needs longer to start it
        ended = end_of(asking_for(f"sleep {marker}"), start_wall_s=wall_s)
        assert ended == "the decoder did not end within its time"
        if marker.exists():
            break
    assert not Path(f"/proc/{marker.read_text()}").exists()


def test_a_confined_decoder_can_open_nothing(tmp_path: Path) -> None:
    """Else a file that takes the decoder over reads our secrets, and sends them."""
    path = tmp_path / "secret"
    path.touch()
    refused = PyAvDecoder(max_bytes=1 << 20, max_duration_s=10, child_module=FAULTY)
    with refused.take_in(io.BytesIO(asking_for(f"doors {path}"))) as source:
        assert str(source.run().refused) == "internal: confined True, could []"
    assert [child.name for child in tmp_path.iterdir()] == ["secret"]


def test_a_decoder_knows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a file that takes the decoder over has the database's password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:secret@b/c")
    marker = tmp_path / "pid"
    content = asking_for(f"sleep {marker}")
    script = child_of_its_own(content)
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        pid = awaited(marker)
        assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
        parent.kill()


def test_a_decoder_does_not_outlive_its_run(tmp_path: Path) -> None:
    """Else each killed worker leaves a process behind that eats a processor."""
    marker = tmp_path / "pid"
    script = child_of_its_own(asking_for(f"sleep {marker}"))
    with subprocess.Popen(
        [sys.executable, "-c", script], env={**ENVIRONMENT, "TMPDIR": str(tmp_path)}
    ) as parent:
        pid = awaited(marker)
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid))
    # And the next upload clears what the killed run has left on disk.
    (left,) = tmp_path.glob(f"{PREFIX}*")
    long_ago = time.time() - 2 * YOUNG_S
    os.utime(left, (long_ago, long_ago))


def test_more_memory_than_allowed_ends_the_decoder_not_the_worker() -> None:
    """Else one file takes the memory of every run on the machine."""
    content = one_packet(48 << 20)
    decoder = PyAvDecoder(max_bytes=1 << 30, max_duration_s=900, memory_bytes=256 << 20)
    with (
        decoder.take_in(io.BytesIO(content)) as source,
        pytest.raises(LessonRefused) as refused,
    ):
        source.run()
    assert "bytes of memory, 2 times" in str(refused.value)
    assert refused.value.code is ErrorCode.DECODER_CRASHED
    enough = PyAvDecoder(max_bytes=1 << 30, max_duration_s=900)
    with enough.take_in(io.BytesIO(content)) as source:
        assert source.run().duration_s == pytest.approx(524.288, abs=0.1)


def one_packet(size: int) -> bytes:
    """A Matroska file whose sound is a single packet of that many bytes."""
    made = io.BytesIO()
    with av.open(made, "w", format="matroska") as output:
        stream = output.add_stream("pcm_s16le", rate=48_000, layout="mono")
        packet = av.Packet(bytes(size))
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.time_base = Fraction(1, 1000)
        packet.duration = size * 1000 // 2 // 48_000
        output.mux(packet)
    return made.getvalue()


ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def child_of_its_own(content: bytes) -> str:
    """A program that decodes `content` with the faulty decoder."""
    return (
        "import io\n"
        "from mentora_pipelines.adapters.media.decoder import PyAvDecoder\n"
        "made = PyAvDecoder("
        f"max_bytes=1 << 20, max_duration_s=9, child_module={FAULTY!r})\n"
        f"with made.take_in(io.BytesIO({content!r})) as source:\n"
        "    source.run()\n"
    )


def awaited(marker: Path) -> int:
    """The number that a process writes there."""
    wait_until(lambda: marker.exists() and marker.read_text())
    return int(marker.read_text())


def is_running(pid: int) -> bool:
    """Whether it lives, and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_full_disk_is_noticed_before_a_byte_is_copied() -> None:
    """Else every upload of the machine fails half-way, and blames the file."""
    content = io.BytesIO(b"x")
    decoder = PyAvDecoder(max_bytes=1 << 62, max_duration_s=10)
    with (
        pytest.raises(TransientError, match="bytes free"),
        decoder.take_in(content, 1 << 60),
    ):
        pass
    assert content.tell() == 0


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """Else killed runs fill the disk, or a run loses its upload to another."""
    long_ago = time.time() - 2 * YOUNG_S
    young, abandoned = tmp_path / f"{PREFIX}young", tmp_path / f"{PREFIX}old"
    other = tmp_path / "of-somebody-else"
    for folder in (young, abandoned, other):
        folder.mkdir()
        (folder / "source").touch()
    for folder in (abandoned, other):
        os.utime(folder, (long_ago, long_ago))
    with private_folder(0, base=tmp_path) as held:
        os.utime(held, (long_ago, long_ago))
        with private_folder(0, base=tmp_path) as second:
            assert held.exists()
            assert second.stat().st_mode & 0o077 == 0
    assert {path.name for path in tmp_path.iterdir()} == {young.name, other.name}


def test_the_figures_of_a_decoding_are_told() -> None:
    """Else nobody learns why a lesson sounds as it does, or what it cost."""
    content = media("mp4", "aac", Track(layout="stereo", gains=(1, -1), language="deu"))
    decoder = PyAvDecoder(max_bytes=1 << 20, max_duration_s=10)
    with decoder.take_in(io.BytesIO(content)) as source, source.decode() as audio:
        facts = audio.facts
    assert (facts.container, facts.codec, facts.channels) == ("mp4", "aac", "stereo")
    assert (facts.language, facts.one_sided_share) == ("deu", 1.0)
    assert facts.decoder_cpu_s > 0
    assert facts.decoder_peak_bytes > 1 << 20
    assert facts.is_confined
