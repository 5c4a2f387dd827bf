"""Recognition: our windows against faster-whisper's default and whisper-ctranslate2.

`python -m benchmarks.recognition [MINUTES [TURNS]]` (12 and 3 by default). The lesson
is the samples one after the other, as 16 kHz FLAC; model (tiny.en, int8), sound and
threads (one) are the same for all, each in a process of its own, in turn:

- ours: windows, word times and measured doubt, without checkpoints in a database;
- default: faster-whisper's `transcribe(audio)`, which gives no word times;
- ctranslate2: the command `whisper-ctranslate2` of `.venv-peers`.

Prints seconds of audio per CPU second of the whole process, start included, the word
error rate and the peak of memory (medians of the turns); then how much more two of our
processes do in the same time than one.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from mentora_pipelines.adapters.whisper.models import BUNDLED_MODEL, location_of
from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
from mentora_pipelines.domain.lessons.recognition import (
    Hints,
    join_windows,
    recognise,
)
from mentora_pipelines.domain.lessons.speech import SAMPLE_RATE

PROJECT = Path(__file__).parents[1]
SAMPLES = ("binary-search", "compound-interest", "photosynthesis")
CONTESTANTS = ("ours", "default", "ctranslate2")


@dataclass(frozen=True)
class Lesson:
    """A long lesson made of the samples, and what is said in it."""

    audio: Path
    reference: Path
    duration_s: float


def make_lesson(folder: Path, minutes: float) -> Lesson:
    """As many whole samples as fit into `minutes`, at least one."""
    sounds: list[NDArray[np.int16]] = []
    texts: list[str] = []
    while True:
        name = SAMPLES[len(texts) % len(SAMPLES)]
        sound = sound_of(PROJECT / "samples" / f"{name}.mp4")
        length = sum(map(len, sounds)) + len(sound)
        if sounds and length > minutes * 60 * SAMPLE_RATE:
            break
        sounds.append(sound)
        reference = PROJECT / "samples" / f"{name}.txt"
        texts.append(reference.read_text(encoding="utf-8"))
    whole = np.concatenate(sounds)
    write_sound(folder / "lesson.flac", whole, "flac", "flac")
    (folder / "lesson.txt").write_text("\n".join(texts), encoding="utf-8")
    return Lesson(
        folder / "lesson.flac", folder / "lesson.txt", len(whole) / SAMPLE_RATE
    )


def sound_of(video: Path) -> NDArray[np.int16]:
    """The sound of a video as 16 kHz samples."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(video)) as container:
        pieces = [
            piece.to_ndarray().ravel()
            for frame in container.decode(audio=0)
            for piece in resampler.resample(frame)
        ]
    return np.concatenate(pieces).astype(np.int16)


def write_sound(path: Path, sound: NDArray[np.int16], kind: str, codec: str) -> None:
    """Write a mono file."""
    with av.open(str(path), "w", format=kind) as container:
        track = container.add_stream(codec, rate=SAMPLE_RATE)
        assert isinstance(track, av.AudioStream)
        track.layout = "mono"
        for start in range(0, len(sound), 1024):
            piece = sound[start : start + 1024].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))


def hear_ours(audio: Path) -> str:
    """What our recogniser hears."""
    windows = recognise(audio, [], WhisperTranscriber(BUNDLED_MODEL), Hints())
    heard = join_windows(list(windows))
    return "\n".join(segment.text for segment in heard.segments)


def hear_default(audio: Path) -> str:
    """What faster-whisper hears when nothing is set but the threads."""
    from faster_whisper import WhisperModel

    model = WhisperModel(
        str(location_of(BUNDLED_MODEL)), compute_type="int8", cpu_threads=1
    )
    segments, _ = model.transcribe(str(audio))
    return " ".join(segment.text for segment in segments)


def command_of(contestant: str, audio: Path, folder: Path) -> list[str]:
    """The command that writes what it hears to `folder`/{stem}.txt."""
    if contestant != "ctranslate2":
        module = ["-m", "benchmarks.recognition", "hear"]
        return [sys.executable, *module, contestant, str(audio), str(folder)]
    return [
        str(PROJECT / ".venv-peers/bin/whisper-ctranslate2"),
        *(str(audio), "--model_directory", str(location_of(BUNDLED_MODEL))),
        *("--language", "en", "--device", "cpu", "--compute_type", "int8"),
        *("--threads", "1", "--output_format", "txt", "--output_dir", str(folder)),
        *("--verbose", "False"),
    ]


@dataclass(frozen=True)
class Figures:
    """What one process took, and how it did."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    wer: float


def measure(contestant: str, lesson: Lesson, count: int = 1) -> Figures:
    """Run `count` processes of a contestant at once, and wait for all of them."""
    # Here, so that the processes that hear need not import it.
    from mentora_pipelines.cli.evaluation import word_error_rate

    with tempfile.TemporaryDirectory() as made:
        folders = [Path(made) / str(number) for number in range(count)]
        started = time.perf_counter()
        processes = []
        for folder in folders:
            folder.mkdir()
            processes.append(
                subprocess.Popen(
                    command_of(contestant, lesson.audio, folder),
                    cwd=PROJECT,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        usages = []
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"{contestant} failed: {process.returncode}")
            usages.append(usage)
        wall_s = time.perf_counter() - started
        text = (folders[0] / f"{lesson.audio.stem}.txt").read_text(encoding="utf-8")
    return Figures(
        sum(usage.ru_utime + usage.ru_stime for usage in usages),
        wall_s,
        max(usage.ru_maxrss for usage in usages) / 1024,
        word_error_rate(lesson.reference, re.sub(r"\s+", " ", text)),
    )


def main(minutes: float, turns: int) -> None:
    """Run every contestant in turn and print the figures."""
    subprocess.run(["sh", PROJECT / "bootstrap.sh", "peers"], check=True)  # noqa: S607
    with tempfile.TemporaryDirectory() as folder:
        lesson = make_lesson(Path(folder), minutes)
        found: dict[str, list[Figures]] = {name: [] for name in CONTESTANTS}
        pairs = []
        for _ in range(turns):
            for name in CONTESTANTS:
                found[name].append(measure(name, lesson))
            pairs.append(measure("ours", lesson, 2).wall_s)
    print(f"{lesson.duration_s:.0f} s of audio, median of {turns}")
    speeds = {
        name: statistics.median(lesson.duration_s / one.cpu_s for one in figures)
        for name, figures in found.items()
    }
    for name, figures in found.items():
        print(
            f"  {name:12} {speeds[name]:5.1f} s/CPU s, "
            f"ours is {speeds['ours'] / speeds[name]:4.2f}x, "
            f"WER {100 * statistics.median(one.wer for one in figures):5.2f} %, "
            f"{statistics.median(one.peak_mb for one in figures):5.0f} MB"
        )
    one_s = statistics.median(one.wall_s for one in found["ours"])
    print(
        f"  two at once  {2 * one_s / statistics.median(pairs):4.2f}x one "
        f"({one_s:.1f} s alone, {statistics.median(pairs):.1f} s for both)"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["hear"]:
        hear = {"ours": hear_ours, "default": hear_default}[sys.argv[2]]
        source = Path(sys.argv[3])
        target = Path(sys.argv[4]) / f"{source.stem}.txt"
        target.write_text(hear(source), encoding="utf-8")
    else:
        main(
            float(sys.argv[1]) if len(sys.argv) > 1 else 12,
            int(sys.argv[2]) if len(sys.argv) > 2 else 3,
        )
