"""The share of a lesson's run that is not recognition.

`python -m benchmarks.lesson_share [MINUTES [TURNS]]` (12 and 3 by default). The lesson
is the samples one after the other as an mp4 with AAC stereo at 44.1 kHz. Each turn is a
process of its own with a stack of its own, which makes the lesson by the real job;
prints CPU seconds (medians) of recognition, of the decoder's process, of embedding
and of all the rest: steps, statements, captions, checks. The start of the process and
of the run, up to the first step, is told apart; the servers' own CPU is not counted.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.recognition import PROJECT, make_lesson, sound_of
from mentora_pipelines.settings.environment import child_environment

if TYPE_CHECKING:
    from mentora_pipelines.domain.lessons.doubts import HeardStretch
    from mentora_pipelines.domain.lessons.recognition import Heard, Hints, Transcriber
    from mentora_pipelines.domain.lessons.speech import Stretch, Window
    from mentora_pipelines.domain.videos import Video

CREATOR = "bench@tests.example"
RATE = 44_100


@dataclass
class Meter:
    """CPU seconds of this process, by what it did."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, part: str, started: float) -> None:
        """Book what has passed since `started` (`time.process_time`)."""
        spent = time.process_time() - started
        self.seconds[part] = self.seconds.get(part, 0.0) + spent


class MeteredTranscriber:
    """Satisfies `Transcriber`: the given one, measured."""

    def __init__(self, transcriber: "Transcriber", meter: Meter) -> None:
        self._transcriber = transcriber
        self._meter = meter

    @property
    def fingerprint(self) -> str:
        """That of the measured one."""
        return self._transcriber.fingerprint

    def windows(self, audio: Path, after_s: float) -> "Iterator[Window]":
        """Its windows; finding speech is a part of recognition."""
        windows = self._transcriber.windows(audio, after_s)
        while True:
            started = time.process_time()
            window = next(windows, None)
            self._meter.add("recognition", started)
            if window is None:
                return
            yield window

    def hear(self, window: "Window", hints: "Hints") -> "Heard":
        """What it hears."""
        started = time.process_time()
        heard = self._transcriber.hear(window, hints)
        self._meter.add("recognition", started)
        return heard

    def hear_again(self, stretch: "Stretch", hints: "Hints") -> "HeardStretch | None":
        """What it hears the second time."""
        started = time.process_time()
        heard = self._transcriber.hear_again(stretch, hints)
        self._meter.add("recognition", started)
        return heard


def make_lesson_of(video: "Video") -> dict[str, float]:
    """Run the lesson job here; CPU seconds by part."""
    import dagster as dg

    from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
    from mentora_pipelines.adapters.whisper.models import BUNDLED_MODEL
    from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber
    from mentora_pipelines.cli.lesson_runs import QUIET, dagster_instance
    from mentora_pipelines.definitions import defs

    meter = Meter()

    class MeteredEmbedder(MiniLmEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            started = time.process_time()
            vectors = super().embed(texts)
            meter.add("embedding", started)
            return vectors

    wired = dg.Definitions(
        assets=defs.assets,
        asset_checks=defs.asset_checks,
        jobs=defs.jobs,
        executor=defs.executor,
        resources={
            **(defs.resources or {}),
            "transcriber": MeteredTranscriber(WhisperTranscriber(BUNDLED_MODEL), meter),
            "embedder": MeteredEmbedder(),
        },
    )
    with dagster_instance() as instance:
        instance.add_dynamic_partitions("videos", [str(video.id)])
        job = wired.resolve_job_def("lesson_job")
        before_s = time.process_time()
        children_s = _children_s()
        result = job.execute_in_process(
            instance=instance, partition_key=str(video.id), run_config=QUIET
        )
        whole_s = time.process_time() - before_s
        assert result.success
    return {
        **meter.seconds,
        "decoder": _children_s() - children_s,
        "rest": whole_s - sum(meter.seconds.values()),
        "start": before_s,
    }


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure_here() -> None:
    """Make the one lesson that waits, and print its figures as JSON."""
    from mentora_pipelines.domain.videos import ProcessingStatus
    from mentora_pipelines.providers.lessons import open_catalogue

    with open_catalogue() as catalogue:
        (video,) = catalogue.videos([ProcessingStatus.PENDING])
    print(json.dumps(make_lesson_of(video)))


def make_video(folder: Path, minutes: float) -> Path:
    """The samples one after the other, as people upload them."""
    lesson = make_lesson(folder, minutes)
    path = folder / "long-lesson.mp4"
    sound = sound_of(lesson.audio)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        track = container.add_stream("aac", rate=RATE)
        assert isinstance(track, av.AudioStream)
        track.layout = "stereo"
        for start in range(0, len(sound), 16_000):
            piece = sound[start : start + 16_000].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, "s16", "mono")
            frame.sample_rate, frame.pts = 16_000, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


def turn(lesson: Path) -> dict[str, float]:
    """One process that makes the lesson in a new home."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copy(PROJECT / name, home / name)
        environment = child_environment(
            DAGSTER_HOME=folder, PYTHONPATH=str(PROJECT), OMP_NUM_THREADS="1"
        )

        def run(*command: str) -> str:
            return subprocess.run(
                [sys.executable, *command],
                cwd=home,
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout

        mentora = "from mentora_pipelines.cli.main import main; main()"
        run("-c", mentora, "upload", str(lesson), "--creator", CREATOR)
        printed = run("-m", "benchmarks.lesson_share", "measure")
    return dict(json.loads(printed.splitlines()[-1]))


def main(minutes: float, turns: int) -> None:
    """Measure in turns and print the shares."""
    with tempfile.TemporaryDirectory() as folder:
        lesson = make_video(Path(folder), minutes)
        found = [turn(lesson) for _ in range(turns)]
    medians = {
        part: statistics.median(figures[part] for figures in found) for part in found[0]
    }
    start_s = medians.pop("start")
    whole_s = sum(medians.values())
    print(
        f"{minutes:g} minutes of AAC stereo, median of {turns}: {whole_s:.1f} s of CPU"
    )
    for part, seconds in medians.items():
        print(f"  {part:12} {seconds:6.2f} s {100 * seconds / whole_s:5.1f} %")
    print(
        f"not recognition: {100 * (1 - medians['recognition'] / whole_s):.1f} %; "
        f"the start before it: {start_s:.1f} s"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure_here()
    else:
        main(
            float(sys.argv[1]) if len(sys.argv) > 1 else 12,
            int(sys.argv[2]) if len(sys.argv) > 2 else 3,
        )
